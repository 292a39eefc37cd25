/** Ask About MLX…: a question, and its answer with sources as a page beside the code. */

import * as vscode from 'vscode';
import type { Client } from './client';
import { attempt } from './commands';
import type { Lifecycle } from './lifecycle';
import type { Log } from './log';

const SCHEME = 'tenny-answer';

/** What `tenny.ask` returns. */
interface Answer {
    readonly answer: string | null;
    readonly code: string;
    readonly sources: readonly { readonly name: string; readonly page: string | null }[];
}

export function registerAsking(context: vscode.ExtensionContext, server: Lifecycle, log: Log): void {
    const answers = new Map<string, string>();
    context.subscriptions.push(
        vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
            provideTextDocumentContent: (uri) => answers.get(uri.path) ?? '',
        }),
        vscode.workspace.onDidCloseTextDocument(({ uri }) => uri.scheme === SCHEME && answers.delete(uri.path)),
        vscode.commands.registerCommand('tenny.askAboutMlx', () => ask(server, log, answers)),
    );
}

async function ask(server: Lifecycle, log: Log, answers: Map<string, string>): Promise<void> {
    const question = await vscode.window.showInputBox({
        title: 'Ask About MLX',
        placeHolder: 'how do I save weights?',
        prompt: `The answer comes from MLX's documentation. ${whereItGoes()}`,
    });
    if (question) {
        await attempt(server, log, (client) => show(client, question, answers));
    }
}

/** Says who reads the question; the address as it is set, for a model's name behind it is no secret. */
function whereItGoes(): string {
    const endpoint = vscode.workspace.getConfiguration('tenny.model').get<string>('endpoint');
    return endpoint && vscode.workspace.isTrusted ? `It is sent to ${endpoint}.` : 'Nothing leaves your machine.';
}

async function show(client: Client, question: string, answers: Map<string, string>): Promise<void> {
    const page = vscode.Uri.from({ scheme: SCHEME, path: `/${question.replace(/[/\\?#]/g, ' ').trim()}.md` });
    const answer = await client.request<Answer>('tenny.ask', [question, false]);
    answers.set(page.path, pageOf(question, answer));
    await vscode.commands.executeCommand('markdown.showPreviewToSide', page);
}

function pageOf(question: string, { answer, code, sources }: Answer): string {
    const prose = answer ?? "Nothing in MLX's documentation is about that.";
    const block = code ? ['', '```python', code, '```'] : [];
    const links = sources.map(({ name, page }) => (page ? `- [\`${name}\`](${page})` : `- \`${name}\``));
    const from = links.length > 0 ? ['', '**From**', '', ...links] : [];
    return [`# ${question}`, '', prose, ...block, ...from, ''].join('\n');
}
