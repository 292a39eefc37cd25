/** Fetch Model…: which base model, then `tenny-lsp fetch` in the terminal. The server itself downloads nothing. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle';
import { type Run, showTerminal } from './terminal';

const TITLE = 'Fetch Model';
/** The base that speaks once it is there. */
const SMOLLM2 = 'smollm2';
/** What a process ends with that Ctrl+C has ended. */
const INTERRUPTED = 130;

/** A base model: the name that it is kept under, and the file that it is made of if it is not downloaded. */
interface Base {
    readonly name: string;
    readonly file?: string;
}

interface Choice extends vscode.QuickPickItem {
    readonly base: () => Base | Promise<Base | undefined>;
}

const CHOICES: readonly Choice[] = [
    {
        label: 'SmolLM2 135M',
        description: '93 MB · Apache-2.0',
        detail: 'Answers questions, and knows which remark fits a comment, as soon as it is there.',
        base: () => ({ name: SMOLLM2 }),
    },
    {
        label: 'A model of a hub…',
        description: 'owner/name',
        detail: 'Whatever MLX-LM loads; its size and its licence are its own.',
        base: hubModel,
    },
    {
        label: 'A GGUF file…',
        description: 'nothing is downloaded',
        detail: 'A model on this machine is converted for MLX.',
        base: ggufFile,
    },
];

export function registerFetching(context: vscode.ExtensionContext, server: Lifecycle, run: Run): void {
    const command = vscode.commands.registerCommand('tenny.fetchModel', async () => {
        const chosen = await vscode.window.showQuickPick(CHOICES, { title: TITLE, matchOnDetail: true });
        const base = await chosen?.base();
        if (base !== undefined) {
            await fetch(server, run, base);
        }
    });
    context.subscriptions.push(command);
}

async function fetch(server: Lifecycle, run: Run, { name, file }: Base): Promise<void> {
    const status = await run(TITLE, 'fetch', name, ...(file === undefined ? [] : ['--from', file]));
    if (status === 0) {
        await takeUp(server, name);
    } else if (status !== INTERRUPTED) {
        const show = 'Show';
        const chosen = await vscode.window.showErrorMessage(`Tenny: ${name} could not be fetched.`, show);
        if (chosen === show) {
            showTerminal(TITLE);
        }
    }
}

/** Has the server use a base that is there now: at once where the settings mean it, else when the user agrees. */
async function takeUp(server: Lifecycle, name: string): Promise<void> {
    const settings = vscode.workspace.getConfiguration('tenny.model');
    if ((settings.get('path', '') || SMOLLM2) === name) {
        await server.restart(`${name} has been fetched`);
        return;
    }
    const use = 'Use It';
    const chosen = await vscode.window.showInformationMessage(`Tenny: ${name} has been fetched.`, use);
    if (chosen === use) {
        await settings.update('path', name, vscode.ConfigurationTarget.Global);
    }
}

async function hubModel(): Promise<Base | undefined> {
    const name = await vscode.window.showInputBox({
        title: TITLE,
        placeHolder: 'owner/name',
        prompt: 'A model in safetensors, as a hub names it.',
        validateInput: (text) => (/^\w[\w.-]*\/\w[\w.-]*$/.test(text.trim()) ? undefined : 'Write owner/name.'),
    });
    return name === undefined ? undefined : { name: name.trim() };
}

async function ggufFile(): Promise<Base | undefined> {
    const [chosen] = (await vscode.window.showOpenDialog({ title: TITLE, filters: { GGUF: ['gguf'] } })) ?? [];
    return chosen && { name: nameOf(chosen.fsPath), file: chosen.fsPath };
}

/** Returns the name that a file's model is kept under: its own, as far as a name may have its characters. */
function nameOf(file: string): string {
    return path.parse(file).name.replace(/[^\w.-]+/g, '-');
}
