"""Fetch the packages that the base model is pretrained on, and read their texts, licences and versions."""

import importlib.metadata
import io
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path

#: Packages written with MLX: their source is the code part.
_MLX_CODE = """mlx-lm mlx-vlm mlx-audio mflux mlx-whisper mlx-embeddings mlx-optimizers mlx-graphs mlx-image
    lightning-whisper-mlx mlx-omni-server mlx-lm-lora mlx-arsenal mlx-kan mlx-snn mlx-rl mlx-embedding-models
    mlx-transformers mlx-vision mlx-video mlx-tune mlx-tuning-fork chuk-lazarus f5-tts-mlx vocos-mlx
    parakeet-mlx demucs-mlx e3nn-mlx mlx-spectro mlx-sparse sillm-mlx mlx-llm rwkv-metal textpolicy moshi-mlx
    phi-3-vision-mlx mlx-recurrence mlx-hyperbolic mlx-sci mlx-predictive-coding mlx-audiocraft descript-mlx
    convlstm-mlx d3pm samplex mlx-taef mlx-bigvgan simlx dmlx mace-mlx yolo-mlx mlx-uniface zmlx mlx-cv
    mlx-boosting keras-mlx smoltts-mlx mlx-qwen3-asr mlx-chronos natten-mlx umap-metal sklx diffuse-mlx
    mlx-voxtral mlx-data pytorchmlx energizer canvit-mlx"""
MLX_CODE = tuple(_MLX_CODE.split())
#: Packages whose docstrings are the prose part and whose names are asked about in the question part.
_DOCUMENTED = """numpy scipy scikit-learn pandas torch transformers jax optax flax xarray networkx einops statsmodels
    scikit-image keras equinox diffusers timm torchvision torchaudio torchmetrics optuna sympy matplotlib dask dm-haiku
    chex distrax numpyro tensorflow-probability gpytorch botorch diffrax kornia monai torch-geometric librosa accelerate
    peft datasets sentence-transformers pytorch-lightning lightgbm xgboost arviz pyod darts sktime cvxpy
    imbalanced-learn blackjax POT pyarrow shap gluonts umap-learn torchrl tensordict gymnasium seaborn pymc bokeh
    altair"""
DOCUMENTED = tuple(_DOCUMENTED.split())
#: Packages whose source, with that of the documented ones, is the part of general Python.
_PYTHON_CODE = """stable-baselines3 pydantic fastapi starlette httpx aiohttp requests django flask werkzeug sqlalchemy
    click typer rich textual pytest hypothesis black mypy jedi pygls sphinx setuptools attrs trio anyio langchain-core
    haystack-ai spacy nltk thinc brax pyro-ppl jaxtyping orbax-checkpoint trl open-clip-torch albumentations speechbrain
    nemo-toolkit vector-quantize-pytorch x-transformers vit-pytorch imagen-pytorch denoising-diffusion-pytorch
    audiolm-pytorch jax-md evosax lm-eval outlines guidance llama-index-core mmengine torchtitan torchtune litgpt
    tensorly catboost prophet fsspec distributed joblib pykeen ray evaluate gradio streamlit torchao pytorch-ignite
    flair allennlp stanza tslearn hdbscan category-encoders mlflow wandb"""
PYTHON_CODE = (*DOCUMENTED, *_PYTHON_CODE.split())
#: Debian packages of permissively licensed or public-domain English: manuals, the Jargon File and Ambrose Bierce's
#: dictionary.
DEBIAN = {
    "python3.11-doc": ("PSF-2.0", r"html/_sources/.*\.rst\.txt$"),
    "rust-doc": ("MIT or Apache-2.0", r"html/(book|reference|nomicon|rust-by-example|cargo|rustc)/[^.]*\.html$"),
    "apache2-doc": ("Apache-2.0", r"manual/en/.*\.html$"),
    "postgresql-doc-15": ("PostgreSQL", r"html/.*\.html$"),
    "sqlite3-doc": ("public domain", r"sqlite3/[^/]*\.html$"),
    "nodejs-doc": ("MIT", r"nodejs/api/[^/]*\.html$"),
    "jargon-text": ("public domain", r"jargon.*\.(txt|gz)$"),
    "dict-devil": ("public domain", r"devil\.dict\.dz$"),
}
_PERMISSIVE = re.compile(
    r"\b(MIT|Apache(?:[- ]2\.0)?|BSD[- ]\d-Clause|BSD|ISC|PSF|Python Software Foundation|Unlicense|0BSD|Zlib)\b"
    r"|Redistribution and use in",
    re.IGNORECASE,
)
_RESTRICTED = re.compile(r"\b(A?L?GPL|GNU|NonCommercial|CC[- ]BY[- ]NC|proprietary)", re.IGNORECASE)


@dataclass(frozen=True)
class Package:
    """A package on disk: a wheel, or an installed distribution.

    Args:
        name (str): The distribution's name.
        path (Path | None): Its wheel; None reads the installed distribution of this interpreter.
    """

    name: str
    path: Path | None = None

    @cached_property
    def metadata(self) -> dict[str, str]:
        """The fields of the metadata, several of one name joined by newlines, and ``description``."""
        message = HeaderParser().parsestr(self._metadata_text())
        fields = {key.lower(): "\n".join(map(str, message.get_all(key) or [])) for key in message}
        body = str(message.get_payload())
        return {"description": body, **fields} if body.strip() else fields

    @property
    def version(self) -> str:
        """The version, as its metadata says it."""
        return self.metadata["version"]

    @cached_property
    def licence(self) -> str:
        """The permissive licence's name, or an empty string where it is not known to be one."""
        expression = self.metadata.get("license-expression", "")
        if _PERMISSIVE.search(expression):
            return "" if _RESTRICTED.search(expression) else expression
        fields = [self.metadata.get("license", "")]
        classifiers = self.metadata.get("classifier", "").splitlines()
        fields += [line.rsplit(" :: ", 1)[-1] for line in classifiers if line.startswith("License ::")]
        fields += [text for path, text in self.texts(r"(^|/)LICEN[CS]E[^/]*$") if path.count("/") <= 2][:1]
        for field in fields:
            head = field.strip()[:300]
            if _RESTRICTED.search(head):
                return ""
            if found := _PERMISSIVE.search(head):
                return "BSD-3-Clause" if found[0].startswith("Redistribution") else found[0]
        return ""

    def texts(self, pattern: str) -> Iterator[tuple[str, str]]:
        """Yield (path inside site-packages, text) of the files whose path matches."""
        wanted = re.compile(pattern)
        if self.path is None:
            for file in importlib.metadata.files(self.name) or []:
                if wanted.search(str(file)) and (place := Path(str(file.locate()))).exists():
                    yield str(file), place.read_text(encoding="utf-8", errors="replace")
            return
        with zipfile.ZipFile(self.path) as wheel:
            for path in sorted(wheel.namelist()):
                if wanted.search(path):
                    yield path, wheel.read(path).decode("utf-8", errors="replace")

    def _metadata_text(self) -> str:
        if self.path is None:
            return importlib.metadata.distribution(self.name).read_text("METADATA") or ""
        return next(text for _, text in self.texts(r"^[^/]+\.dist-info/METADATA$"))


def fetch(folder: Path, names: Sequence[str]) -> None:
    """Download the wheels that are missing, by pip; never a source distribution.

    Args:
        folder (Path): Where they are kept.
        names (Sequence[str]): The packages, ``mlx-lm``, or versions of them, ``mlx-lm==0.32.2``.
    """
    tags = [f"--platform=macosx_{major}_0_arm64" for major in range(11, 16)]
    for name in names:
        package, _, version = name.partition("==")
        place = folder / "wheels" / package
        if not list(place.glob(f"*-{version}-*.whl" if version else "*.whl")):
            place.mkdir(parents=True, exist_ok=True)
            options = ["--no-deps", "--only-binary=:all:", "--python-version=3.12", *tags, "--platform=any"]
            command = [sys.executable, "-m", "pip", "download", "-q", *options, "-d", str(place), name]
            if subprocess.run(command, check=False, capture_output=True).returncode:
                print(f"no wheel of {name}: left out")


def fetch_english(folder: Path) -> None:
    """Download the ``.deb`` files that are missing, by apt."""
    (folder / "deb").mkdir(parents=True, exist_ok=True)
    for name in DEBIAN:
        if not list((folder / "deb").glob(f"{name}_*.deb")):
            subprocess.run(["apt-get", "download", name], cwd=folder / "deb", check=True)


def find(name: str, folder: Path) -> Package | None:
    """Return a package, or a version of it, fetched into ``folder``; else the installed package; else None."""
    name, _, version = name.partition("==")
    if wheels := sorted((folder / "wheels" / name).glob(f"*-{version}-*.whl" if version else "*.whl")):
        return Package(name, wheels[-1])
    if version:
        return None
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    return Package(name)


def debian_texts(name: str, folder: Path) -> Iterator[str]:
    """Yield the English texts of a fetched Debian package; needs Debian's ``dpkg-deb``."""
    archive = next((folder / "deb").glob(f"{name}_*.deb"))
    wanted = re.compile(DEBIAN[name][1])
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(archive)], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as files:
        for member in files:
            if member.isfile() and wanted.search(member.name):
                raw = files.extractfile(member).read()  # type: ignore[union-attr]
                if member.name.endswith((".gz", ".dz")):
                    raw = subprocess.run(["gzip", "-dc"], input=raw, check=True, capture_output=True).stdout
                text = raw.decode("utf-8", errors="replace")
                yield _readable(text) if member.name.endswith(".html") else text


def _readable(page: str) -> str:
    """Return the text of an HTML page, without its menus."""
    from bs4 import BeautifulSoup  # of the pretrain group: who reads packages for anything else does without

    soup = BeautifulSoup(page, "html.parser")
    for tag in soup(["nav", "script", "style", "header", "footer", "head"]):
        tag.decompose()
    lines = (line.rstrip() for line in (soup.find("main") or soup).get_text().splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
