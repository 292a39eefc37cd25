/** Build Dataset and Train. */

import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle';
import { meantPython } from './python';
import type { Run } from './terminal';

export function registerLearning(context: vscode.ExtensionContext, server: Lifecycle, run: Run): void {
    context.subscriptions.push(
        vscode.commands.registerCommand('tenny.buildDataset', async () => {
            const python = await meantPython();
            await run('Build Dataset', 'build-dataset', ...(python ? ['--python', python] : []));
        }),
        vscode.commands.registerCommand('tenny.train', async () => {
            if ((await run('Train', 'train')) === 0) {
                await server.restart('an adapter has been trained');
            }
        }),
    );
}
