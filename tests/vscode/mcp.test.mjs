// The tools for agents that the extension brings: VS Code lists them, and starts the server when its user says so.
import assert from 'node:assert/strict';
import { readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import { Ide, PYTHON, until } from './ide.mjs';
import { seen } from './page.mjs';

/** @type {Ide} */
let ide;
/** @type {import('./page.mjs').Page} */
let page;

afterEach(async (context) => {
    if (!context.passed) {
        await page?.screenshot(`failed ${context.name}`);
    }
    await ide?.stop();
    ide = undefined;
});

/** Opens a VS Code that shows what it has for agents, on a file that is not Python's. */
async function opened(settings, options = {}) {
    ide = await Ide.start('mcp', settings, { agents: true, ...options });
    writeFileSync(path.join(ide.project, 'notes.txt'), 'Nothing of Python.\n');
    page = await ide.open('notes.txt');
    const logs = page.page.locator('.output-view .view-lines').first(); // it takes the focus
    await until(async () => {
        await page.command('Tenny: Show Logs'); // activates the extension, as the first question to an agent does
        return seen(logs, 5000); // a window that is still opening loses the first command
    });
    await page.page.waitForTimeout(1000);
    await page.click('Nothing');
}

const row = (text) => page.page.locator('.quick-input-list .monaco-list-row', { hasText: text });

/** Lists the servers, and returns that of Tenny. */
async function listed() {
    await page.command('MCP: List Servers', { asksOn: true });
    await row('Add Server').waitFor();
    return row('Tenny').first();
}

/** Starts Tenny's server for agents, and waits for what VS Code says of it. */
async function start(expected) {
    const server = await listed();
    await server.filter({ hasText: 'Stopped' }).waitFor();
    assert.deepEqual(ide.agentServers(), [], 'nothing is started unasked');
    await server.click();
    await row('Start Server').click();
    await until(async () => expected.test(await page.output()), 60_000);
}

test('an agent finds the tools, without a Python file and without the language server', async () => {
    await opened({ 'tenny.python': PYTHON });
    await start(/Discovered 5 tools/);
    await page.screenshot('mcp');
    const [server] = ide.agentServers();
    assert.equal(readlinkSync(`/proc/${server}/cwd`), ide.project, 'files are read in the folder');
    assert.deepEqual(ide.servers(), []);
});

test('where the server is not installed it says so, and installs nothing', async () => {
    await opened({ 'tenny.python': PYTHON, 'tenny.server.importStrategy': 'useBundled' });
    await start(/Tenny wants to install up to \d+ packages/);
    await until(() => ide.agentServers().length === 0);
});

test('a workspace that nobody has trusted is offered none, until it is trusted', async () => {
    await opened({ 'tenny.python': PYTHON }, { trust: true });
    assert.ok(!(await seen(await listed(), 3000)));
    await page.page.keyboard.press('Escape');
    await page.command('Workspaces: Manage Workspace Trust');
    await page.page.locator('.workspace-trust-editor .monaco-button', { hasText: 'Trust' }).first().click();
    await until(async () => {
        const isThere = await seen(await listed(), 1000);
        await page.page.keyboard.press('Escape');
        return isThere;
    });
});
