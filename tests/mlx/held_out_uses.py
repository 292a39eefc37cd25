"""Code that uses the files of benchmarks/reported/held_out, which hold functions alone: each raises at a place."""

_LANGUAGE_MODEL = """
from mlx_lm.models.llama import Model, ModelArgs
config = dict(hidden_size=16, num_hidden_layers=1, intermediate_size=16, num_attention_heads=2, vocab_size=16)
model = Model(ModelArgs("llama", rms_norm_eps=1e-5, **config))
"""
USES = {
    "161_mnist_mlp.py": "train(np.zeros((64, 784), np.float32), np.zeros(64, np.int32), epochs=1)",
    "163_lenet_port.py": """
shapes = {"conv1.weight": (6, 3, 3, 3), "conv2.weight": (12, 6, 3, 3), "head.weight": (10, 192)}
shapes |= {name.replace("weight", "bias"): shape[:1] for name, shape in shapes.items()}
model = load_ported({name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
predict(model, np.zeros((3, 3, 16, 16), np.float32))
""",
    "164_vae_decoder.py": """
shapes = {"out.weight": (3, 8, 3, 3), "out.bias": (3,)}
for block, width in enumerate((16, 8)):
    shapes |= {f"blocks.{block}.norm.{name}": (width,) for name in ("weight", "bias")}
    shapes |= {f"blocks.{block}.up.weight": (width, 8, 4, 4), f"blocks.{block}.up.bias": (8,)}
load_decoder({name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
""",
    "166_bert_pooler.py": "x = mx.ones((1, 2, 5, 8), dtype=mx.float16)\nBiasedAttention(8)(x, x, x)",
    "167_static_cache.py": "pack_lengths(mx.array([[5, 6, 0], [7, 0, 0]]), 0)",
    "168_logit_tools.py": "repetition_penalty(mx.array([2.0, -2.0]), mx.array([True, False]), 2.0)",
    "169_compiled_trainer.py": "clipped_error(mx.ones(3), mx.zeros(3), 2.0)",
    "172_spring_physics.py": "batch_energy(mx.ones((5, 2)), mx.array([2.0, 4.0]))",
    "173_lora_adapter.py": """
save_adapters(add_adapters(Block(16)), "adapters.safetensors")
load_adapters(add_adapters(Block(16)), "adapters.safetensors")
""",
    "175_text_classifier.py": "classify(BagClassifier(10, 8, 3), mx.array([[1, 2, 3]]))",
    "177_quantize_export.py": "quantize_tagger(Tagger())",
    "178_checkpoint.py": 'save_model(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), __import__("pathlib").Path("."))',
    "179_chat_session.py": _LANGUAGE_MODEL
    + """
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
words = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1}, unk_token="<unk>"))
complete(model, PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", eos_token="</s>"), "a b")
""",
    "180_background_worker.py": _LANGUAGE_MODEL + "generate_tokens(model, [7, 8, 9], [3], 8)",
    "182_nearest_neighbours.py": 'class_names(mx.array([2, 0, 2]), ["a", "b", "c"])',
}
