/** The server's life: one at a time, started, restarted and ended in the order in which that was asked for. */

import * as vscode from 'vscode';
import { launch, type Progress, type Running, StartError } from './bootstrap';
import type { Client } from './client';
import { type Log, reason } from './log';
import { startingPython } from './python';
import { serverSettings } from './settings';
import type { Status } from './status';

/** Whether the user has agreed that an environment is made for the server. */
const MAY_INSTALL = 'mayInstall';
const MOST_CRASHES = 5;
/** Crashes that are so long ago do not count, in ms. */
const CRASHES_WITHIN = 180_000;

export class Lifecycle implements vscode.Disposable {
    private queue: Promise<void> = Promise.resolve();
    private asked = 0;
    private starting = new AbortController();
    private client: Client | undefined;
    private crashes: number[] = [];
    private hasAsked = false;
    private readonly commandChanged = new vscode.EventEmitter<void>();
    /** Fires when `command` may return another command line than before. */
    readonly onDidChangeCommand = this.commandChanged.event;

    constructor(
        private readonly context: vscode.ExtensionContext,
        private readonly log: Log,
        private readonly status: Status,
    ) {}

    /** What runs; undefined while nothing does. */
    get running(): Running | undefined {
        return this.client?.running;
    }

    /** Returns the client, starting the server if nobody has yet; undefined when there is no server. */
    async ready(): Promise<Client | undefined> {
        await this.begin('a command needs it');
        return this.client;
    }

    /** Starts the server, if nobody has yet. */
    begin(why: string): Promise<void> {
        return this.asked > 0 ? this.queue : this.restart(why);
    }

    /** Follows a change of what the server is started with. One that nobody needs yet is not started. */
    changed(why: string): void {
        this.commandChanged.fire();
        if (this.asked > 0) {
            this.restart(why);
        }
    }

    /** Starts the server anew. Of several requests that wait, the last is carried out. */
    restart(why: string): Promise<void> {
        const mine = ++this.asked;
        this.starting.abort();
        this.queue = this.queue.then(async () => {
            if (mine === this.asked) {
                this.log.channel.info(`The server starts: ${why}.`);
                await this.stop();
                await this.start();
            }
        });
        return this.queue;
    }

    /** Tells a running server what the settings are now. */
    configure(): void {
        this.client?.configure().catch((error) => this.log.channel.warn(`Settings: ${reason(error)}`));
    }

    /** Makes the server an environment of its own, as the user has agreed to, and starts it. */
    async install(): Promise<void> {
        await this.context.globalState.update(MAY_INSTALL, true);
        this.commandChanged.fire();
        await this.restart('it may be installed now');
    }

    /** Ends the server for good. */
    async end(): Promise<void> {
        this.asked++;
        this.starting.abort();
        this.queue = this.queue.then(() => this.stop());
        await this.queue;
    }

    dispose(): void {
        this.starting.abort();
        this.commandChanged.dispose();
    }

    /** The command line of `server/`, which becomes the server, followed by what is to be done by it. */
    async command(...what: string[]): Promise<string[]> {
        const { path, importStrategy } = serverSettings();
        if (path) {
            return [path, ...what];
        }
        const storage = this.context.globalStorageUri.fsPath;
        const options = ['--storage', storage, '--import-strategy', importStrategy];
        const mayInstall = this.context.globalState.get(MAY_INSTALL, false) ? [] : ['--no-install'];
        const bundled = this.context.asAbsolutePath('bundled/server');
        return [await startingPython(), bundled, ...options, ...mayInstall, ...what];
    }

    private async start(): Promise<void> {
        this.starting = new AbortController();
        const { signal } = this.starting;
        this.status.starting('starts');
        try {
            const running = await this.launched(signal);
            running.process.once('exit', (code, name) => this.ended(running, code ?? name));
            this.client = await this.connected(running);
            await vscode.commands.executeCommand('setContext', 'tenny.running', true);
            this.log.channel.info(`The server runs (${running.source}, ${running.python}).`);
        } catch (error) {
            if (!signal.aborted) {
                this.failed(error);
            }
        }
    }

    private async connected(running: Running): Promise<Client> {
        const { Client } = await import('./client'); // large: not before the editor has what it waits for
        try {
            return await Client.start(running, this.log, (status) => this.status.server(status));
        } catch (error) {
            running.process.kill();
            throw error;
        }
    }

    private async launched(signal: AbortSignal): Promise<Running> {
        const command = await this.command('serve');
        const shown = new Installation(() => {
            this.starting.abort();
            this.status.stopped('is not installed', 'The installation was cancelled.', true);
        });
        const listener = {
            onLine: (line: string) => this.log.serverSays(line),
            onProgress: (progress: Progress) => {
                this.log.channel.info(progress.message);
                if (progress.state === 'installing' && !signal.aborted) {
                    this.status.starting('is being installed');
                    shown.report(progress);
                }
            },
        };
        try {
            const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
            return await launch(command, cwd, !serverSettings().path, listener, signal);
        } finally {
            shown.end();
        }
    }

    private async stop(): Promise<void> {
        const client = this.client;
        this.client = undefined;
        await vscode.commands.executeCommand('setContext', 'tenny.running', false);
        await client?.stop().catch((error) => this.log.channel.warn(`The server did not stop: ${reason(error)}`));
    }

    /** Follows the end of a process: one that nobody asked to end is started again, but not for ever. */
    private ended(running: Running, code: number | string | null): void {
        if (this.client?.running !== running) {
            return;
        }
        this.log.channel.error(`The server has ended (${code}).`);
        const now = Date.now();
        this.crashes = [...this.crashes.filter((time) => now - time < CRASHES_WITHIN), now];
        if (this.crashes.length < MOST_CRASHES) {
            this.restart('it has ended');
        } else {
            this.client = undefined;
            this.status.stopped('keeps ending', 'The log says why; the command Tenny: Restart Server starts it again.');
        }
    }

    private failed(error: unknown): void {
        const next = error instanceof StartError ? error.next : '';
        const needsInstall = error instanceof StartError && error.needsInstall;
        this.log.channel.error(`${reason(error)} ${next}`);
        this.status.stopped(
            needsInstall ? 'is not installed' : 'did not start',
            `${reason(error)} ${next}`,
            needsInstall,
        );
        if (needsInstall && !this.hasAsked) {
            this.hasAsked = true;
            void this.offer(reason(error));
        }
    }

    private async offer(message: string): Promise<void> {
        const install = 'Install';
        const choose = 'Choose Python…';
        const chosen = await vscode.window.showInformationMessage(message, install, choose);
        if (chosen === install) {
            await this.install();
        } else if (chosen === choose) {
            await vscode.commands.executeCommand('workbench.action.openSettings', 'tenny.server');
        }
    }
}

/** A notification that shows how far an installation is, from the first report on. */
class Installation {
    private percentage = 0;
    private progress: vscode.Progress<{ message?: string; increment?: number }> | undefined;
    private done: () => void = () => undefined;

    constructor(private readonly cancel: () => void) {}

    report({ message, percentage = this.percentage }: Progress): void {
        if (this.progress === undefined) {
            const options = { location: vscode.ProgressLocation.Notification, title: 'Tenny', cancellable: true };
            void vscode.window.withProgress(options, (progress, token) => {
                this.progress = progress;
                token.onCancellationRequested(this.cancel);
                return new Promise<void>((done) => {
                    this.done = done;
                });
            });
        }
        this.progress?.report({ message, increment: percentage - this.percentage });
        this.percentage = percentage;
    }

    end(): void {
        this.done();
    }
}
