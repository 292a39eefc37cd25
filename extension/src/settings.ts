/** The settings as the server takes them. What they mean is the server's affair; what a workspace may say, ours. */

import { homedir } from 'node:os';
import * as vscode from 'vscode';

/** Settings of this client, which the server does not know. */
const CLIENT_ONLY = ['server', 'trace'] as const;

export type ImportStrategy = 'fromEnvironment' | 'useBundled';

/** How the server is to be started. */
export interface ServerSettings {
    readonly python: string;
    readonly path: string;
    readonly importStrategy: ImportStrategy;
}

/**
 * Returns the server's settings for the window.
 *
 * VS Code itself passes over what an untrusted workspace says of restricted settings; that no model is loaded there
 * is decided here.
 *
 * @param python The interpreter whose MLX is meant; empty: the server's own.
 */
export function forServer(python: string): Record<string, unknown> {
    const own = JSON.parse(JSON.stringify(vscode.workspace.getConfiguration('tenny'))) as Record<string, unknown>;
    for (const name of CLIENT_ONLY) {
        delete own[name];
    }
    const model = own.model as Record<string, unknown>;
    const isOn = vscode.workspace.isTrusted && model.enabled;
    return { ...own, python, model: { ...model, enabled: isOn } };
}

/** Returns how the server is to be started; in an untrusted workspace only the one that comes with this extension. */
export function serverSettings(): ServerSettings {
    const own = vscode.workspace.getConfiguration('tenny.server');
    return {
        python: expanded(own.get('python', '')),
        path: expanded(own.get('path', '')),
        importStrategy: vscode.workspace.isTrusted ? own.get('importStrategy', 'fromEnvironment') : 'useBundled',
    };
}

/** Tells whether a change is one that a running server cannot follow. */
export function mustRestart(event: vscode.ConfigurationChangeEvent): boolean {
    return event.affectsConfiguration('tenny.server') || event.affectsConfiguration('tenny.python');
}

/** Returns a path with `~` and `${workspaceFolder}` written out. */
export function expanded(path: string, folder = vscode.workspace.workspaceFolders?.[0]): string {
    const here = folder?.uri.fsPath ?? '';
    return path.replace(/^~(?=[/\\]|$)/, homedir()).replace(/\$\{workspaceFolder\}/g, here);
}
