/** The item in the status bar's language menu: what goes on, and why nothing appears. */

import * as vscode from 'vscode';

/** What the server says in `experimental/serverStatus`. */
export interface ServerStatus {
    readonly health: 'ok' | 'warning' | 'error';
    readonly quiescent: boolean;
    readonly message: string;
    readonly api: string;
    readonly model: string;
    readonly reason: string;
}

const SEVERITY = {
    ok: vscode.LanguageStatusSeverity.Information,
    warning: vscode.LanguageStatusSeverity.Warning,
    error: vscode.LanguageStatusSeverity.Error,
} as const satisfies Record<ServerStatus['health'], vscode.LanguageStatusSeverity>;

const LOGS: vscode.Command = { command: 'tenny.showLogs', title: 'Logs' };
const INSTALL: vscode.Command = { command: 'tenny.install', title: 'Install' };

export class Status implements vscode.Disposable {
    private readonly item = vscode.languages.createLanguageStatusItem('tenny.status', [
        { language: 'python' },
        { notebookType: 'jupyter-notebook' },
    ]);

    constructor() {
        this.item.name = 'Tenny';
        this.starting('starts');
    }

    /** What it says now, in one line. */
    get text(): string {
        return [this.item.text, this.item.detail].filter(Boolean).join(': ');
    }

    starting(what: string): void {
        this.set(`Tenny ${what}`, '', 'ok', true);
    }

    /** Shows what the server says of itself. */
    server(status: ServerStatus): void {
        const trust = vscode.workspace.isTrusted ? '' : 'The workspace is not trusted, so no model is loaded.';
        this.set(`Tenny: ${status.message}`, trust || status.reason, status.health, !status.quiescent);
    }

    /** Shows that there is no server, and why. */
    stopped(what: string, why: string, needsInstall = false): void {
        this.set(`Tenny ${what}`, why, needsInstall ? 'warning' : 'error', false);
        this.item.command = needsInstall ? INSTALL : LOGS;
    }

    dispose(): void {
        this.item.dispose();
    }

    private set(text: string, detail: string, health: ServerStatus['health'], busy: boolean): void {
        this.item.text = text;
        this.item.detail = detail;
        this.item.severity = SEVERITY[health];
        this.item.busy = busy;
        this.item.command = LOGS;
    }
}
