/** The command line's own commands, in the integrated terminal: there they can be watched, and stopped with Ctrl+C. */

import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle';

/** Runs a command of `tenny-lsp`; returns its exit status, undefined when it had none. */
export type Run = (title: string, name: string, ...options: string[]) => Promise<number | undefined>;

/** Returns what runs commands with the Python that runs the server, in a folder of Tenny's own. */
export function inTerminal(context: vscode.ExtensionContext, server: Lifecycle): Run {
    const folder = vscode.Uri.joinPath(context.globalStorageUri, 'learning');
    return async (title, name, ...options) => {
        await vscode.workspace.fs.createDirectory(folder);
        const [program = '', ...args] = await server.command(name, ...options);
        const execution = new vscode.ProcessExecution(program, args, { cwd: folder.fsPath });
        const task = new vscode.Task(
            { type: 'tenny', name },
            vscode.TaskScope.Workspace,
            title,
            'Tenny',
            execution,
            [],
        );
        task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, focus: true, clear: true };
        return await end(await vscode.tasks.executeTask(task));
    };
}

/** Shows the terminal in which a command has been run, if it is still open. */
export function showTerminal(title: string): void {
    vscode.window.terminals.find(({ name }) => name.includes(title))?.show();
}

function end(execution: vscode.TaskExecution): Promise<number | undefined> {
    return new Promise((resolve) => {
        const ended = (task: vscode.TaskExecution, exitCode?: number) => {
            if (task === execution) {
                listening.dispose();
                resolve(exitCode);
            }
        };
        const listening = vscode.Disposable.from(
            vscode.tasks.onDidEndTaskProcess((event) => ended(event.execution, event.exitCode)),
            vscode.tasks.onDidEndTask((event) => ended(event.execution)), // of a program that could not be started
        );
    });
}
