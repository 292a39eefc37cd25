// Beside the Python extension: the interpreter that it has selected counts, and another one when it selects that.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Ide, OUT, PYTHON, ROOT, until } from './ide.mjs';

/** @type {Ide} */
let ide;
/** @type {import('./page.mjs').Page} */
let page;

before(async () => {
    const fake = path.join(OUT, 'fake-python.vsix');
    const vsce = path.join(ROOT, 'extension/node_modules/.bin/vsce');
    execFileSync(vsce, ['package', '--allow-missing-repository', '--skip-license', '-o', fake], {
        cwd: path.join(import.meta.dirname, 'fake-python'),
        stdio: 'ignore',
    });
    ide = await Ide.start('python', { 'fakePython.path': PYTHON }, { extensions: [fake] });
    page = await ide.open('net.py');
});

after(() => ide?.stop());

test('the selected interpreter runs the server, whose MLX is meant', async () => {
    await page.hover('LayerNorm', 'nn.LayerNorm');
    await page.command('Tenny: Report Environment');
    await until(async () => (await page.text()).includes(`Server: environment, ${PYTHON}`), 60_000);
    await until(async () => (await page.text()).includes(`MLX of: ${PYTHON}`));
});

test('another one is taken up when it is selected', async () => {
    await page.page.locator('.tab', { hasText: 'net.py' }).click();
    ide.configure({ 'fakePython.path': '/usr/bin/python3' }); // it has no tenny-lsp
    await page.notification('Tenny wants to install');
    ide.configure({ 'fakePython.path': PYTHON });
    await page.hover('Linear', 'class nn.Linear');
});
