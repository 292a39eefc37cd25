/** The commands of the palette and of the context menu; the server's own, of the same meaning, do the work. */

import * as vscode from 'vscode';
import type { Client } from './client';
import type { Lifecycle } from './lifecycle';
import { type Log, reason } from './log';

type Work = (client: Client, editor: vscode.TextEditor | undefined) => Promise<unknown>;

export function registerCommands(context: vscode.ExtensionContext, server: Lifecycle, log: Log): void {
    const register = (id: string, run: () => unknown) =>
        context.subscriptions.push(vscode.commands.registerCommand(id, run));
    const withServer = (id: string, work: Work) => register(id, () => attempt(server, log, work));

    withServer(
        'tenny.roast',
        async (client, editor) =>
            editor && (await client.execute('tenny.roastComment', editor.document.uri, editor.selection)),
    );
    withServer(
        'tenny.review',
        async (client, editor) =>
            editor && (await client.execute('tenny.cynicalReview', editor.document.uri, editor.selection)),
    );
    withServer(
        'tenny.clear',
        async (client, editor) => editor && (await client.execute('tenny.clearReview', editor.document.uri)),
    );
    withServer('tenny.load', (client) => client.request('tenny.loadModel', []));
    withServer('tenny.unload', (client) => client.request('tenny.unloadModel', []));
    register('tenny.restart', () => server.restart('its user wants it to'));
    register('tenny.install', () => server.install());
    register('tenny.showLogs', () => log.channel.show());
}

/** Does what a command asks for; what goes wrong is said, once. */
export async function attempt(server: Lifecycle, log: Log, work: Work): Promise<unknown> {
    const client = await server.ready();
    if (client === undefined) {
        const logs = 'Show Logs';
        const chosen = await vscode.window.showWarningMessage('Tenny is not running.', logs);
        return chosen === logs ? log.channel.show() : undefined;
    }
    try {
        return await work(client, vscode.window.activeTextEditor);
    } catch (error) {
        log.channel.error(reason(error));
        return await vscode.window.showErrorMessage(`Tenny: ${reason(error)}`);
    }
}
