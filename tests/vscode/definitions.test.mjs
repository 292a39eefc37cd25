// What the extension tells VS Code of the servers for agents; VS Code's API is a pretended one here.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { build } from '../../extension/node_modules/esbuild/lib/main.js';
import { ROOT } from './ide.mjs';

const nothing = () => ({ dispose: () => undefined });

class EventEmitter {
    event = nothing;
}

class McpStdioServerDefinition {
    constructor(...given) {
        this.given = given;
    }
}

/** Returns what the extension registers in a VS Code with these folders: its name and the provider. */
async function registered(names, { isTrusted = true, knowsAgents = true } = {}) {
    const found = [];
    const vscode = {
        EventEmitter,
        extensions: { getExtension: () => undefined },
        workspace: {
            isTrusted,
            workspaceFolders: names.map((name) => ({ name, uri: { scheme: 'file', fsPath: `/${name}` } })),
            getConfiguration: (_, folder) => ({ get: () => `/${folder.name}/python` }),
            onDidChangeWorkspaceFolders: nothing,
        },
    };
    if (knowsAgents) {
        const lm = { registerMcpServerDefinitionProvider: (...given) => found.push(given) };
        Object.assign(vscode, { lm, McpStdioServerDefinition });
    }
    const { registerMcp } = await extension('mcp', vscode);
    const context = { subscriptions: [], extension: { packageJSON: { version: '1.2.3' } } };
    registerMcp(context, { command: async (...what) => ['python', 'server', ...what], onDidChangeCommand: nothing });
    return found;
}

/** Returns a module of the extension, in a VS Code. */
async function extension(name, vscode) {
    const entryPoints = [path.join(ROOT, `extension/src/${name}.ts`)];
    const options = { bundle: true, platform: 'node', format: 'cjs', external: ['vscode'], write: false };
    const [{ text }] = (await build({ entryPoints, ...options })).outputFiles;
    const module = { exports: {} };
    const real = createRequire(import.meta.url);
    new Function('require', 'module', text)((id) => (id === 'vscode' ? vscode : real(id)), module);
    return module.exports;
}

test('each folder has a server, with its own MLX, which reads files there', async () => {
    const [[id, provider]] = await registered(['one', 'two']);
    const definitions = await provider.provideMcpServerDefinitions();
    const expected = (name) => {
        const args = ['server', 'mcp', '--python', `/${name}/python`];
        return [`Tenny (${name})`, 'python', args, {}, '1.2.3', `/${name}`];
    };
    assert.deepEqual(
        definitions.map(({ given, cwd }) => [...given, cwd.fsPath]),
        [expected('one'), expected('two')],
    );
    assert.equal(id, 'tenny.mcp');
});

test('an only folder needs no name', async () => {
    const [[, provider]] = await registered(['one']);
    const [{ given }] = await provider.provideMcpServerDefinitions();
    assert.equal(given[0], 'Tenny');
});

test('no folder, or one that is not trusted, has none', async () => {
    for (const found of [await registered([]), await registered(['one'], { isTrusted: false })]) {
        const [[, provider]] = found;
        assert.deepEqual(await provider.provideMcpServerDefinitions(), []);
    }
});

test('a VS Code from before 1.101 is told nothing', async () => {
    assert.deepEqual(await registered(['one'], { knowsAgents: false }), []);
});
