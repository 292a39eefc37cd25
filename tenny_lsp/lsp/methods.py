"""What the server can do, by the protocol's methods: editors are told before what does it has been imported."""

from typing import Any

from lsprotocol import types as lsp

#: The kind of the code action that applies every safe fix.
FIX_ALL_KIND = "source.fixAll.tenny"
#: The kind of the code action that roasts; it is no quick fix.
ROAST_KIND = "refactor.rewrite.tenny"

#: Method → its options, None where it has none. Each is registered by a handler under the same name.
METHODS: dict[str, Any] = {
    lsp.INITIALIZED: None,
    lsp.SHUTDOWN: None,
    lsp.WORKSPACE_DID_CHANGE_CONFIGURATION: None,
    lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: None,
    lsp.TEXT_DOCUMENT_DID_OPEN: None,
    lsp.TEXT_DOCUMENT_DID_CHANGE: None,
    lsp.TEXT_DOCUMENT_DID_SAVE: None,
    lsp.TEXT_DOCUMENT_DID_CLOSE: None,
    lsp.NOTEBOOK_DOCUMENT_DID_OPEN: None,
    lsp.NOTEBOOK_DOCUMENT_DID_CHANGE: None,
    lsp.NOTEBOOK_DOCUMENT_DID_CLOSE: None,
    lsp.TEXT_DOCUMENT_HOVER: None,
    # What brings a completion up unasked: a member after a dot, a type after ``dtype=``.
    lsp.TEXT_DOCUMENT_COMPLETION: lsp.CompletionOptions(trigger_characters=[".", "="], resolve_provider=True),
    lsp.COMPLETION_ITEM_RESOLVE: None,
    lsp.TEXT_DOCUMENT_INLINE_COMPLETION: lsp.InlineCompletionOptions(),
    lsp.TEXT_DOCUMENT_SIGNATURE_HELP: lsp.SignatureHelpOptions(trigger_characters=["(", ","]),
    lsp.TEXT_DOCUMENT_INLAY_HINT: None,
    lsp.TEXT_DOCUMENT_DIAGNOSTIC: lsp.DiagnosticOptions(
        inter_file_dependencies=True, workspace_diagnostics=False, identifier="Tenny"
    ),
    lsp.TEXT_DOCUMENT_CODE_ACTION: lsp.CodeActionOptions(
        [lsp.CodeActionKind.QuickFix, FIX_ALL_KIND, ROAST_KIND], resolve_provider=True
    ),
    lsp.CODE_ACTION_RESOLVE: None,
}

#: What ``workspace/executeCommand`` runs.
COMMANDS = (
    "tenny.ask",
    "tenny.clearReview",
    "tenny.cynicalReview",
    "tenny.loadModel",
    "tenny.roastComment",
    "tenny.unloadModel",
)
