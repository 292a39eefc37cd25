"""The command doctor."""

import json
import sys
from dataclasses import asdict

from tenny_lsp import __version__
from tenny_lsp.cli.app import AsJson, Interpreter, app, err, out


@app.command()
def doctor(python: Interpreter = None, as_json: AsJson = False) -> None:
    """Say of each component whether it works, and what to do where it does not; exit status 1 if one is broken."""
    from tenny_lsp.cli.tables import components_table
    from tenny_lsp.doctor.examine import examine, is_well

    with err.status("Examining"):
        found = examine(python)
    if as_json:
        components = [asdict(component) for component in found]
        out.print_json(json.dumps({"tenny_lsp": __version__, "works": is_well(found), "components": components}))
    else:
        out.print(components_table(found))
    if not is_well(found):
        sys.exit(1)
