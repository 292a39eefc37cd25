// From a clean profile to the first hover: one click, and the server makes itself an environment.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { Ide, measured, PYTHON, until } from './ide.mjs';
import { seen } from './page.mjs';

/** @type {Ide} */
let ide;
/** @type {import('./page.mjs').Page} */
let page;

after(() => ide?.stop());

test('an installation that is cancelled is said to be, and can be taken up again', async () => {
    ide = await Ide.start('install', {});
    const slow = path.join(ide.folder, 'python');
    const said = JSON.stringify({ state: 'installing', message: 'This takes its time', percentage: 1 });
    writeFileSync(slow, `#!/bin/sh\necho 'tenny-bootstrap ${said}' >&2\nexec sleep 600\n`);
    chmodSync(slow, 0o755);
    ide.configure({ 'tenny.server.python': slow });
    page = await ide.open('net.py');
    await page.press(await page.notification('This takes its time', 60_000), 'Cancel');
    await until(async () => /not installed.*cancelled.*Install/s.test(await page.status()));
    await page.answer('Tenny: Ask About MLX', 'how do I save weights?');
    await page.notification('Tenny is not running');
    await page.page.close();
    await ide.stop();
});

test('one click installs the server, and a hover follows', async () => {
    // The interpreter has MLX, and not the server that this extension would use.
    ide = await Ide.start('install', { 'tenny.python': PYTHON, 'tenny.server.importStrategy': 'useBundled' });
    page = await ide.open('net.py');
    const offer = await page.notification('Install', 60_000);
    await page.screenshot('install');
    const clicked = Date.now();
    await page.press(offer, 'Install');
    await until(async () => seen(page.page.locator('.notification-toast .monaco-progress-container').first(), 100));
    await page.screenshot('installing');
    await page.hover('LayerNorm', 'Example', { patience: 600_000 });
    measured('install_click_to_first_hover_s', (Date.now() - clicked) / 1000);

    // The next window finds what has been made.
    await page.page.close();
    page = await ide.open('net.py');
    await page.hover('Linear', 'class nn.Linear');
    assert.equal(await page.page.locator('.notification-toast').count(), 0);
});

test('a dataset is built and a training begun in the terminal, and Ctrl+C ends it', async () => {
    await page.command('Tenny: Build Dataset');
    await until(() => existsSync(path.join(ide.storage, 'learning/dataset/manifest.json')), 120_000);
    await page.command('Tenny: Train');
    await until(async () => /loading|\d+\/\d+/.test(await page.terminal()), 60_000);
    await page.screenshot('train');
    await page.page.keyboard.press('Control+C');
    await until(async () => /exit code|reused by tasks/.test(await page.terminal()), 60_000);
});
