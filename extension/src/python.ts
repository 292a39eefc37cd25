/** Which Python is meant: the one whose MLX the user writes for, and the one that runs the server. */

import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { PythonExtension } from '@vscode/python-extension';
import * as vscode from 'vscode';
import { expanded, serverSettings } from './settings';

const PYTHON_EXTENSION = 'ms-python.python';
const IN_ENVIRONMENT = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];

/**
 * Returns the interpreter whose MLX is meant in a folder; empty when nobody has said.
 *
 * 1. The setting `tenny.python`.
 * 2. In a trusted workspace, the one that the Python extension has selected.
 * 3. In a trusted workspace, that of the folder's `.venv` or `venv`.
 */
export async function meantPython(folder = vscode.workspace.workspaceFolders?.[0]): Promise<string> {
    const set = vscode.workspace.getConfiguration('tenny', folder).get('python', '');
    if (set || !vscode.workspace.isTrusted) {
        return expanded(set, folder);
    }
    return (await selected(folder?.uri)) ?? ofFolder(folder) ?? '';
}

/**
 * Returns the interpreter that starts the server.
 *
 * 1. The setting `tenny.server.python`.
 * 2. The one whose MLX is meant.
 * 3. The first Python on the PATH.
 */
export async function startingPython(): Promise<string> {
    return serverSettings().python || (await meantPython()) || (process.platform === 'win32' ? 'python' : 'python3');
}

/** Calls back when the Python extension selects another interpreter, if it is there. */
export function onInterpreterChange(context: vscode.ExtensionContext, changed: () => void): void {
    if (vscode.extensions.getExtension(PYTHON_EXTENSION) === undefined) {
        return;
    }
    PythonExtension.api().then(
        (api) => context.subscriptions.push(api.environments.onDidChangeActiveEnvironmentPath(changed)),
        () => undefined, // one that does not start has nothing to say; its own log says why
    );
}

async function selected(scope: vscode.Uri | undefined): Promise<string | undefined> {
    if (vscode.extensions.getExtension(PYTHON_EXTENSION) === undefined) {
        return undefined;
    }
    try {
        const { environments } = await PythonExtension.api();
        const found = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(scope));
        return found?.executable.uri?.fsPath;
    } catch {
        return undefined;
    }
}

function ofFolder(folder: vscode.WorkspaceFolder | undefined): string | undefined {
    const places = ['.venv', 'venv'].map((name) => path.join(folder?.uri.fsPath ?? '', name, ...IN_ENVIRONMENT));
    return folder && places.find(existsSync);
}
