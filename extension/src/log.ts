/** The two channels that Tenny writes to; neither ever shows itself. */

import * as vscode from 'vscode';

export class Log implements vscode.Disposable {
    /** What client and server have to say. */
    readonly channel = vscode.window.createOutputChannel('Tenny', { log: true });
    /** Their conversation, where `tenny.trace.server` asks for it. */
    readonly trace = vscode.window.createOutputChannel('Tenny: Trace', { log: true });

    /** Writes a line of the server's stderr at the level it names: `WARNING tenny_lsp.server: …`. */
    serverSays(line: string): void {
        const text = line.trimEnd();
        if (/^(ERROR|CRITICAL) /.test(text)) {
            this.channel.error(text);
        } else if (text.startsWith('WARNING ')) {
            this.channel.warn(text);
        } else if (text) {
            this.channel.info(text);
        }
    }

    dispose(): void {
        this.channel.dispose();
        this.trace.dispose();
    }
}

/** Returns what went wrong, in words. */
export function reason(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
