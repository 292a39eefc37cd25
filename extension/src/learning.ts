/** Build Dataset and Train: the command line's own commands, in the integrated terminal. */

import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle';
import { meantPython } from './python';

const TRAIN = 'train';

export function registerLearning(context: vscode.ExtensionContext, server: Lifecycle): void {
    const folder = vscode.Uri.joinPath(context.globalStorageUri, 'learning');
    const run = async (title: string, name: string, ...options: string[]) => {
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
        await vscode.tasks.executeTask(task);
    };
    context.subscriptions.push(
        vscode.commands.registerCommand('tenny.buildDataset', async () => {
            const python = await meantPython();
            await run('Build Dataset', 'build-dataset', ...(python ? ['--python', python] : []));
        }),
        vscode.commands.registerCommand('tenny.train', () => run('Train', TRAIN)),
        vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
            const { type, name } = execution.task.definition;
            if (type === 'tenny' && name === TRAIN && exitCode === 0) {
                void server.restart('an adapter has been trained');
            }
        }),
    );
}
