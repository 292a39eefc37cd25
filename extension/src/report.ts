/** Report Environment: what an issue about Tenny should say, as text to be read before it is sent anywhere. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle';
import { reason } from './log';
import { meantPython } from './python';
import { forServer } from './settings';
import type { Status } from './status';

export function registerReport(context: vscode.ExtensionContext, server: Lifecycle, status: Status): void {
    const command = vscode.commands.registerCommand('tenny.reportEnvironment', async () => {
        const where = { location: vscode.ProgressLocation.Window, title: 'Tenny looks at this machine' };
        const content = await vscode.window.withProgress(where, () => report(context, server, status));
        const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
        await vscode.window.showTextDocument(document);
    });
    context.subscriptions.push(command);
}

async function report(context: vscode.ExtensionContext, server: Lifecycle, status: Status): Promise<string> {
    const { running } = server;
    const python = await meantPython();
    const rows = {
        Extension: String(context.extension.packageJSON.version),
        'VS Code': `${vscode.version} (${vscode.env.appName}${vscode.env.remoteName ? `, ${vscode.env.remoteName}` : ''})`,
        System: `${process.platform} ${process.arch}`,
        Status: status.text,
        Server: running ? `${running.source}, ${running.python}` : 'not running',
        'MLX of': python || "the server's own Python",
        Trusted: String(vscode.workspace.isTrusted),
    };
    const lines = Object.entries(rows).map(([name, value]) => `- ${name}: ${value}`);
    const settings = JSON.stringify(forServer(python), null, 4);
    const findings = ['## `tenny-lsp doctor`', '', '```json', await doctor(server), '```'];
    return ['# Tenny', '', ...lines, '', ...findings, '', '## Settings', '', '```json', settings, '```', ''].join('\n');
}

async function doctor(server: Lifecycle): Promise<string> {
    if (!vscode.workspace.isTrusted) {
        return 'not run: the workspace is not trusted';
    }
    const [program = '', ...args] = await server.command('doctor', '--json');
    try {
        return (await promisify(execFile)(program, args, { timeout: 60_000 })).stdout.trim();
    } catch (error) {
        // Where something is broken it ends with status 1, and has said what.
        const { stdout } = error as { stdout?: string };
        return stdout?.trim() || reason(error);
    }
}
