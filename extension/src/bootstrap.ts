/** Starts the server's process and hears what `server/` says on stderr until it has become the server. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export type ServerProcess = ChildProcessByStdio<Writable, Readable, Readable>;

/** What `server/` says behind its marker. */
export interface Progress {
    readonly state: 'installing' | 'needsInstall' | 'starting' | 'failed';
    readonly message: string;
    readonly percentage?: number;
    readonly next?: string;
    readonly python?: string;
    readonly source?: string;
}

/** A process that speaks the Language Server Protocol on its stdin and stdout. */
export interface Running {
    readonly process: ServerProcess;
    /** The interpreter that runs it; empty when it was started by its path. */
    readonly python: string;
    /** Where it is from: `environment`, `bundled`, `checkout` or `path`. */
    readonly source: string;
}

/** Why there is no server. */
export class StartError extends Error {
    constructor(
        message: string,
        readonly next: string,
        readonly needsInstall = false,
    ) {
        super(message);
    }
}

export interface Listener {
    readonly onProgress: (progress: Progress) => void;
    readonly onLine: (line: string) => void;
}

const MARKER = 'tenny-bootstrap ';

/**
 * Returns the process once it is the server.
 *
 * @param command The program and its arguments.
 * @param isBootstrap Whether it says with a `starting` when it is the server; otherwise it is from the first.
 * @throws {StartError} It ended before.
 */
export function launch(
    command: readonly string[],
    cwd: string | undefined,
    isBootstrap: boolean,
    listener: Listener,
    signal: AbortSignal,
): Promise<Running> {
    const [program = '', ...args] = command;
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { ...(cwd ? { cwd } : {}), stdio: ['pipe', 'pipe', 'pipe'] });
        let last: Progress | undefined;
        const giveUp = () => child.kill();
        signal.addEventListener('abort', giveUp, { once: true });
        const become = (running: Running) => {
            signal.removeEventListener('abort', giveUp);
            resolve(running);
        };
        child.stdin.on('error', () => undefined); // a server that has ended says so by its exit
        child.once('error', (error) => {
            const next = 'Set tenny.server.python to a Python 3.10 or newer.';
            reject(new StartError(`${program} does not start: ${error.message}`, next));
        });
        child.once('exit', (code, name) => reject(endOf(last, program, code ?? name)));
        createInterface({ input: child.stderr }).on('line', (line) => {
            if (!line.startsWith(MARKER)) {
                listener.onLine(line);
                return;
            }
            last = JSON.parse(line.slice(MARKER.length)) as Progress;
            listener.onProgress(last);
            if (last.state === 'starting') {
                become({ process: child, python: last.python ?? program, source: last.source ?? '' });
            }
        });
        if (!isBootstrap) {
            child.once('spawn', () => become({ process: child, python: '', source: 'path' }));
        }
    });
}

function endOf(last: Progress | undefined, program: string, code: number | string | null): StartError {
    if (last?.state === 'needsInstall' || last?.state === 'failed') {
        return new StartError(last.message, last.next ?? '', last.state === 'needsInstall');
    }
    return new StartError(`${program} ended (${code}) before the server had started`, 'The log says more.');
}
