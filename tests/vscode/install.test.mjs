// From a clean profile to the first hover: one click, and the server makes itself an environment.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Ide, PYTHON, until } from './ide.mjs';
import { seen } from './page.mjs';

/** @type {Ide} */
let ide;

after(() => ide?.stop());

test('one click installs the server, and a hover follows', async () => {
    // The interpreter has MLX, and not the server that this extension would use.
    ide = await Ide.start('install', { 'tenny.python': PYTHON, 'tenny.server.importStrategy': 'useBundled' });
    const page = await ide.open('net.py');
    const offer = await page.notification('Install', 60_000);
    await page.screenshot('install');
    const clicked = Date.now();
    await page.press(offer, 'Install');
    await until(async () => seen(page.page.locator('.notification-toast .monaco-progress-container').first(), 100));
    await page.screenshot('installing');
    await page.hover('LayerNorm', 'Tenny:', { patience: 600_000 });
    console.log(`from the click to the first hover: ${((Date.now() - clicked) / 1000).toFixed(1)} s`);

    // The next window finds what has been made.
    await page.page.close();
    const again = await ide.open('net.py');
    await again.hover('Linear', 'class nn.Linear');
    assert.equal(await again.page.locator('.notification-toast').count(), 0);
});
