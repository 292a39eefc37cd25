/** The language client of one server process. */

import * as vscode from 'vscode';
import {
    CloseAction,
    ErrorAction,
    LanguageClient,
    type LanguageClientOptions,
    RevealOutputChannelOn,
    type StaticFeature,
} from 'vscode-languageclient/node';
import type { Running } from './bootstrap';
import type { Log } from './log';
import { meantPython } from './python';
import { forServer } from './settings';
import type { ServerStatus } from './status';

const PYTHON = ['file', 'untitled', 'vscode-notebook-cell'].map((scheme) => ({ scheme, language: 'python' }));

/** Announces that `experimental/serverStatus` is understood. */
const STATUS_FEATURE: StaticFeature = {
    fillClientCapabilities: (capabilities) => {
        capabilities.experimental = { ...capabilities.experimental, serverStatusNotification: true };
    },
    initialize: () => undefined,
    getState: () => ({ kind: 'static' }),
    clear: () => undefined,
};

export class Client {
    private readonly client: LanguageClient;

    private constructor(
        readonly running: Running,
        options: LanguageClientOptions,
    ) {
        const { process } = running;
        const transports = async () => ({ reader: process.stdout, writer: process.stdin, detached: true });
        this.client = new LanguageClient('tenny', 'Tenny', transports, options);
        this.client.registerFeature(STATUS_FEATURE);
    }

    /** Returns a client whose session with the server has begun. */
    static async start(running: Running, log: Log, onStatus: (status: ServerStatus) => void): Promise<Client> {
        const client = new Client(running, optionsOf(forServer(await meantPython()), log));
        client.client.onNotification('experimental/serverStatus', onStatus);
        await client.client.start();
        return client;
    }

    /** Tells the server what the settings are now. */
    async configure(): Promise<void> {
        const settings = { tenny: forServer(await meantPython()) };
        await this.client.sendNotification('workspace/didChangeConfiguration', { settings });
    }

    /** Has the server carry out one of its commands; positions and ranges are VS Code's. */
    async execute<T>(command: string, uri?: vscode.Uri, place?: vscode.Range): Promise<T> {
        const { code2ProtocolConverter: convert } = this.client;
        const args = [...(uri ? [convert.asUri(uri)] : []), ...(place ? [convert.asRange(place)] : [])];
        return await this.request(command, args);
    }

    /** Has the server carry out one of its commands with plain values. */
    async request<T>(command: string, args: unknown[]): Promise<T> {
        return await this.client.sendRequest<T>('workspace/executeCommand', { command, arguments: args });
    }

    /** Ends the session; a process that does not end by itself is ended. */
    async stop(): Promise<void> {
        const { process } = this.running;
        try {
            await this.client.dispose(2000);
        } finally {
            process.stdin.end();
            setTimeout(() => process.kill('SIGKILL'), 5000).unref();
        }
    }
}

function optionsOf(initializationOptions: unknown, log: Log): LanguageClientOptions {
    return {
        documentSelector: PYTHON,
        initializationOptions,
        outputChannel: log.channel,
        traceOutputChannel: log.trace,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        // Whether it starts again is decided where it was started.
        errorHandler: {
            error: () => ({ action: ErrorAction.Continue, handled: true }),
            closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
        },
        middleware: {
            workspace: {
                // Each folder's interpreter, which its settings may leave to the Python extension.
                configuration: async (params) =>
                    await Promise.all(
                        params.items.map(async ({ scopeUri }) => {
                            const uri = scopeUri === undefined ? undefined : vscode.Uri.parse(scopeUri);
                            return await meantPython(uri && vscode.workspace.getWorkspaceFolder(uri));
                        }),
                    ),
            },
        },
    };
}
