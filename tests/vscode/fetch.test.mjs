// A base model is fetched from the palette, and speaks. Nothing is downloaded: it is made of a tiny GGUF file.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Ide, PYTHON, ROOT, until } from './ide.mjs';

const MODEL = /Tenny's model/;

/** @type {Ide} */
let ide;
/** @type {import('./page.mjs').Page} */
let page;

before(async () => {
    ide = await Ide.start('fetch', { 'tenny.python': PYTHON });
    const file = path.join(ide.project, 'my model.gguf');
    execFileSync(PYTHON, ['-m', 'tests.mlx.tiny_gguf', file], { cwd: ROOT });
    writeFileSync(path.join(ide.project, 'broken.gguf'), 'GGUF');
    page = await ide.open('net.py');
    await page.hover('LayerNorm', 'nn.LayerNorm');
});

after(() => ide?.stop());

afterEach(async (context) => {
    if (!context.passed) {
        await page?.screenshot(`failed ${context.name}`);
    }
});

/** Runs Fetch Model… and chooses what begins so. */
async function choose(label) {
    await page.command('Tenny: Fetch Model', { asksOn: true });
    await page.page.locator('.quick-input-list .monaco-list-row', { hasText: 'SmolLM2' }).waitFor();
    await page.screenshot('fetch');
    await page.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).click();
}

async function fetchFile(name) {
    await choose('A GGUF file');
    await page.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).click();
}

/** Waits for what the status says of the model; it is shown while a Python file has the focus. */
async function model(expected) {
    await until(async () => {
        await page.page.locator('.tab', { hasText: 'net.py' }).click();
        return expected.test(await page.status(MODEL));
    }, 60_000);
}

test('the status says that the small model speaks, and offers a larger one', async () => {
    await model(/the small one that comes with it.*Fetch Model…/s);
    await page.screenshot('model');
});

test('the name of a model of a hub is looked at before anything is run', async () => {
    await choose('A model of a hub');
    const input = page.page.locator('.quick-input-widget:visible input[placeholder="owner/name"]');
    await input.fill('smollm2');
    await page.page.locator('.quick-input-message', { hasText: 'Write owner/name.' }).waitFor();
    await input.fill('owner/some-model.v2');
    await page.page.locator('.quick-input-message', { hasText: 'as a hub names it' }).waitFor();
    await page.page.keyboard.press('Escape');
});

test('one that cannot be fetched is said to be, and the terminal says why', async () => {
    await fetchFile('broken.gguf');
    const notification = await page.notification('broken could not be fetched', 60_000);
    await page.command('View: Toggle Panel Visibility');
    await page.page.locator('.terminal.xterm').waitFor({ state: 'hidden' });
    await page.press(notification, 'Show');
    await until(async () => /broken\.gguf is incomplete/.test((await page.terminal()).replaceAll('\n', '')));
    await page.screenshot('fetch failed');
});

test('any other speaks once its user agrees', async () => {
    await fetchFile('my model.gguf');
    await page.press(await page.notification('my-model has been fetched', 60_000), 'Use It');
    await model(/my-model/);
});

test('smollm2 speaks as soon as it is there', async () => {
    // What would have been downloaded: of the other model, for the file that Tenny knows is large.
    const bases = path.join(ide.folder, 'data/tenny-lsp/bases');
    cpSync(path.join(bases, 'my-model'), path.join(bases, 'smollm2'), { recursive: true });
    ide.configure({ 'tenny.python': PYTHON, 'tenny.model.path': '' });
    await choose('SmolLM2');
    await model(/smollm2/);
    assert.doesNotMatch(await page.status(MODEL), /Fetch/);
});
