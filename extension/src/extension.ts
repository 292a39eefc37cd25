/** Tenny in VS Code: what is put together when a Python file or a notebook is opened, or an agent looks for tools. */

import * as vscode from 'vscode';
import { registerAsking } from './asking';
import { registerCommands } from './commands';
import { registerFetching } from './fetching';
import { registerLearning } from './learning';
import { Lifecycle } from './lifecycle';
import { Log } from './log';
import { registerMcp } from './mcp';
import { onInterpreterChange } from './python';
import { registerReport } from './report';
import { mustRestart } from './settings';
import { Status } from './status';
import { inTerminal } from './terminal';

let lifecycle: Lifecycle | undefined;

/** Returns at once; the server comes up behind it. */
export function activate(context: vscode.ExtensionContext): void {
    const log = new Log();
    const status = new Status();
    const server = new Lifecycle(context, log, status);
    const run = inTerminal(context, server);
    const startFor = ({ languageId }: vscode.TextDocument) => {
        if (languageId === 'python') {
            server.begin('VS Code has opened a Python file');
        }
    };
    lifecycle = server;
    context.subscriptions.push(log, status, server);
    registerCommands(context, server, log);
    registerAsking(context, server, log);
    registerLearning(context, server, run);
    registerFetching(context, server, run);
    registerReport(context, server, status);
    registerMcp(context, server);
    context.subscriptions.push(
        vscode.workspace.onDidChangeConfiguration((event) => {
            if (mustRestart(event)) {
                server.changed('a setting of the server has changed');
            } else if (event.affectsConfiguration('tenny')) {
                server.configure();
            }
        }),
        vscode.workspace.onDidGrantWorkspaceTrust(() => server.changed('the workspace is trusted now')),
        vscode.workspace.onDidOpenTextDocument(startFor),
    );
    onInterpreterChange(context, () => server.changed('another interpreter has been selected'));
    vscode.workspace.textDocuments.forEach(startFor);
}

/** Ends the server and waits for it. */
export async function deactivate(): Promise<void> {
    await lifecycle?.end();
}
