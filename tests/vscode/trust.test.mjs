// A workspace that nobody has trusted: facts are shown, and nothing of it is run.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Ide, PYTHON, until } from './ide.mjs';

const SERVER = path.join(path.dirname(PYTHON), 'tenny-lsp');

/** @type {Ide} */
let ide;
/** @type {import('./page.mjs').Page} */
let page;

before(async () => {
    ide = await Ide.start('trust', { 'tenny.server.path': SERVER }, { trust: true });
    trap(ide.project);
    page = await ide.open('net.py');
});

after(() => ide?.stop());

/** Puts programs into a project, and settings that name them; each leaves a file when it is run, or imported. */
function trap(project) {
    const program = (name, real) => {
        const file = path.join(project, name);
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, `#!/bin/sh\ntouch ${project}/was-run\nexec ${real} "$@"\n`);
        chmodSync(file, 0o755);
        return file;
    };
    program('.venv/bin/python', PYTHON);
    const settings = {
        'tenny.python': program('python', PYTHON),
        'tenny.server.python': program('python', PYTHON),
        'tenny.server.path': program('server', SERVER),
        'tenny.model.enabled': true,
    };
    mkdirSync(path.join(project, '.vscode'));
    writeFileSync(path.join(project, '.vscode/settings.json'), JSON.stringify(settings));
    for (const module of ['random.py', 'json.py', 'tenny_lsp.py']) {
        writeFileSync(path.join(project, module), `open(${JSON.stringify(`${project}/was-imported`)}, "w")\n`);
    }
}

const ran = (mark) => existsSync(path.join(ide.project, mark));

test('it hovers, loads no model and runs nothing of the workspace', async () => {
    await page.hover('LayerNorm', 'Applies layer normalization');
    assert.match(await page.status(), /not trusted, so no model is loaded/);
    await page.clickAfter('print(');
    await page.page.keyboard.press('Enter');
    await page.page.keyboard.type('both = mx.conc', { delay: 40 });
    await page.page.locator('.suggest-widget .monaco-list-row', { hasText: 'concatenate' }).first().waitFor();
    assert.deepEqual(ide.workers(), []);
    assert.ok(!ran('was-run') && !ran('was-imported'));
    await page.screenshot('untrusted');
});

test('roasts are those that were written by hand', async () => {
    await page.click('TODO');
    await page.command('Tenny: Roast This Comment');
    await page.press(await page.notification('Source: Tenny'), 'Dismiss');
    assert.deepEqual(ide.workers(), []);
});

test('once it is trusted, the model may speak', async () => {
    await page.command('Workspaces: Manage Workspace Trust');
    await page.page.locator('.workspace-trust-editor .monaco-button', { hasText: 'Trust' }).first().click();
    await page.page.locator('.tab', { hasText: 'net.py' }).click();
    await until(async () => /the model is/.test(await page.status()));
    await page.command('Tenny: Load Model');
    await until(() => ide.workers().length === 1);
    assert.ok(ran('was-run'), 'the settings of a trusted workspace count');
    assert.ok(!ran('was-imported'));
});
