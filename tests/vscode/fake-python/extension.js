// Stands in for the Python extension, which cannot be had here: its API, with the interpreter that a setting names.
const vscode = require('vscode');

const selected = () => vscode.workspace.getConfiguration('fakePython').get('path');

exports.activate = () => {
    const changed = new vscode.EventEmitter();
    vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('fakePython')) {
            changed.fire({ path: selected(), resource: undefined });
        }
    });
    return {
        ready: Promise.resolve(),
        environments: {
            getActiveEnvironmentPath: () => ({ id: selected(), path: selected() }),
            resolveEnvironment: async ({ path }) => ({ executable: { uri: vscode.Uri.file(path) } }),
            onDidChangeActiveEnvironmentPath: changed.event,
        },
    };
};
