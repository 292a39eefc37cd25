// The shapes of arrays, shown in the text of a real VS Code while they are wanted.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Ide, PYTHON, until } from './ide.mjs';

/** The part of the window that the picture in the README shows. */
const EDITOR = { x: 352, y: 36, width: 924, height: 562 };

/** @type {Ide} */
let ide;
/** @type {import('./page.mjs').Page} */
let page;

before(async () => {
    ide = await Ide.start('shapes', { 'tenny.python': PYTHON });
    page = await ide.open('attention.py');
});

after(() => ide?.stop());

afterEach(async (context) => {
    if (!context.passed) {
        await page?.screenshot(`failed ${context.name}`);
    }
});

/** Waits until the text of the editor, with the hints in it, says something. */
async function shows(expected) {
    await until(async () => (await page.text()).includes(expected), 60_000);
}

test('hints say the shapes behind variables, and behind the calls of layers', async () => {
    await shows('q: (B, heads, T, dims // heads) = q.reshape(');
    await shows('q: (B, T, dims), k: (B, T, dims), v: (B, T, dims) = mx.split(');
    await shows('return self.out(y)→ (B, T, dims)');
    await shows('y: (4, 128, 512) float32 = Attention(512, 8)(x)');
    await page.clickAfter('def __call__'); // behind a word, that word would be marked wherever it occurs
    await page.page.mouse.move(5, 5); // over the editor it would show a scroll bar
    await page.screenshot('shapes', EDITOR);
});

test('they follow what is typed', async () => {
    await page.clickAfter('mx.random.normal((4');
    await page.page.keyboard.press('Enter');
    await page.page.keyboard.type('z = x[:, 0]', { delay: 40 });
    await shows('z: (4, 512) float32 = x[:, 0]');
    await page.command('File: Revert File');
    await until(async () => !(await page.text()).includes('x[:, 0]'));
});

test('the setting takes them away, and brings them back', async () => {
    ide.configure({ 'tenny.python': PYTHON, 'tenny.shapes.inlayHints': false });
    await until(async () => !/\(B, T, dims\)/.test(await page.text()));
    assert.match(await page.text(), /return self\.out\(y\)$/m);
    ide.configure({ 'tenny.python': PYTHON });
    await shows('return self.out(y)→ (B, T, dims)');
});
