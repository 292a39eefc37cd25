/** The items in the status bar's language menu: what goes on, why nothing appears, and which model speaks. */

import * as vscode from 'vscode';

/** What the server says in `experimental/serverStatus`. */
export interface ServerStatus {
    readonly health: 'ok' | 'warning' | 'error';
    readonly quiescent: boolean;
    readonly message: string;
    readonly api: string;
    readonly model: string;
    readonly reason: string;
    /** The base that answers and remarks: `embedded`, another's name, or a folder; empty without a model. */
    readonly base: string;
}

const SEVERITY = {
    ok: vscode.LanguageStatusSeverity.Information,
    warning: vscode.LanguageStatusSeverity.Warning,
    error: vscode.LanguageStatusSeverity.Error,
} as const satisfies Record<ServerStatus['health'], vscode.LanguageStatusSeverity>;

const LANGUAGES: readonly vscode.DocumentFilter[] = [{ language: 'python' }, { notebookType: 'jupyter-notebook' }];
const EMBEDDED = 'embedded';
const LOGS: vscode.Command = { command: 'tenny.showLogs', title: 'Logs' };
const INSTALL: vscode.Command = { command: 'tenny.install', title: 'Install' };
const FETCH: vscode.Command = { command: 'tenny.fetchModel', title: 'Fetch Model…' };

export class Status implements vscode.Disposable {
    private readonly item = vscode.languages.createLanguageStatusItem('tenny.status', LANGUAGES);
    private readonly model = vscode.languages.createLanguageStatusItem('tenny.model', []);

    constructor() {
        this.item.name = 'Tenny';
        this.model.name = 'Tenny: Model';
        this.starting('starts');
    }

    /** What it says now, in one line. */
    get text(): string {
        return [this.item.text, this.item.detail].filter(Boolean).join(': ');
    }

    starting(what: string): void {
        this.set(`Tenny ${what}`, '', 'ok', true);
        this.setModel('');
    }

    /** Shows what the server says of itself. */
    server(status: ServerStatus): void {
        const trust = vscode.workspace.isTrusted ? '' : 'The workspace is not trusted, so no model is loaded.';
        this.set(`Tenny: ${status.message}`, trust || status.reason, status.health, !status.quiescent);
        this.setModel(status.base);
    }

    /** Shows that there is no server, and why. */
    stopped(what: string, why: string, needsInstall = false): void {
        this.set(`Tenny ${what}`, why, needsInstall ? 'warning' : 'error', false);
        this.setModel('');
        this.item.command = needsInstall ? INSTALL : LOGS;
    }

    dispose(): void {
        this.item.dispose();
        this.model.dispose();
    }

    private set(text: string, detail: string, health: ServerStatus['health'], busy: boolean): void {
        this.item.text = text;
        this.item.detail = detail;
        this.item.severity = SEVERITY[health];
        this.item.busy = busy;
        this.item.command = LOGS;
    }

    private setModel(base: string): void {
        const isEmbedded = base === EMBEDDED;
        this.model.selector = base ? LANGUAGES : [];
        this.model.text = `Tenny's model: ${isEmbedded ? 'the small one that comes with it' : base}`;
        this.model.command = isEmbedded ? FETCH : undefined;
    }
}
