// What Tenny does, through the windows of a real VS Code, for a user who has installed the package.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Ide, measured, PYTHON, until } from './ide.mjs';

/** The part of the window that the pictures in the README show. */
const EDITOR = { x: 352, y: 36, width: 924, height: 520 };

/** @type {Ide} */
let ide;
/** @type {import('./page.mjs').Page} */
let page;

async function opened(file) {
    await page?.page.close();
    page = await ide.open(file);
    return page;
}

before(async () => {
    // The interpreter has the server, so that nothing need be installed.
    ide = await Ide.start('features', { 'tenny.python': PYTHON });
});

after(() => ide?.stop());

afterEach(async (context) => {
    if (!context.passed) {
        await page?.screenshot(`failed ${context.name}`);
    }
});

describe('a Python file', () => {
    before(() => opened('net.py'));

    test('hover shows the card and an example that ran', async () => {
        const card = await page.hover('LayerNorm', 'Example');
        assert.match(card, /class nn\.LayerNorm\(dims: int/);
        assert.match(card, /mlx\.nn\.LayerNorm · mlx [\d.]+ · mlx\/nn\/layers\/normalization\.py:\d+/);
        await page.hover('softmax', 'Example');
        await page.screenshot('hover', EDITOR);
    });

    test('the status says which MLX is meant and what the model does', async () => {
        assert.match(await page.status(), /Tenny: MLX [\d.]+ · the model .*Logs/s);
        await page.screenshot('status');
    });

    test('completion puts the right name first', async () => {
        await page.clickAfter('print(');
        await page.page.keyboard.press('Enter');
        await page.page.keyboard.type('both = mx.conc', { delay: 40 });
        const first = page.page.locator('.suggest-widget .monaco-list-row').first();
        await first.filter({ hasText: 'concatenate' }).waitFor();
        await page.screenshot('completion', EDITOR);
        await page.page.keyboard.press('Escape');
        await page.command('Delete Line');
        await until(async () => !(await page.text()).includes('both = mx'));
    });

    test('a pitfall is underlined, and its quick fix edits the file', async () => {
        await page.page.locator('.squiggly-error').first().waitFor();
        await page.click('mx.cat', { offset: 4 });
        await page.page.keyboard.press('Control+.');
        const fix = page.page.locator('.action-widget .monaco-list-row', { hasText: 'mx.concatenate' }).first();
        await fix.waitFor();
        await page.screenshot('pitfall', EDITOR);
        await fix.click();
        await until(async () => (await page.text()).includes('mx.concatenate([best, best], axis=0)'));
        assert.match(ide.read('net.py'), /mx\.cat/, 'nothing is saved that its user has not saved');
    });

    test('a roast is a notification, and Insert writes it below the comment', async () => {
        await page.click('TODO');
        await page.command('Tenny: Roast This Comment');
        const notification = await page.notification('Source: Tenny');
        await page.screenshot('roast', { ...EDITOR, y: 250 });
        const before = (await page.text()).split('\n').length;
        await page.press(notification, 'Insert as comment');
        await until(async () => (await page.text()).split('\n').length > before);
        const lines = (await page.text()).split('\n');
        const todo = lines.findIndex((line) => line.includes('# TODO'));
        assert.match(lines[todo + 1], /^ {8}# \w/);
    });

    test('the context menu of a comment offers the roast, and Again says something else', async () => {
        await page.click('TODO', { button: 'right' });
        const item = page.page.locator('.monaco-menu .action-item', { hasText: 'Roast This Comment' });
        await item.hover(); // a menu that has just opened under the mouse takes no click
        await item.click({ delay: 100 });
        const notification = await page.notification('Source: Tenny');
        const first = await notification.innerText();
        await page.press(notification, 'Again');
        await until(async () => (await page.page.locator('.notification-toast').first().innerText()) !== first);
        await page.press(await page.notification('Source: Tenny'), 'Dismiss');
    });

    test('a cynical review fills the Problems panel, and can be taken back', async () => {
        await page.click('batch');
        await page.command('Tenny: Cynical Review');
        await page.command('View: Focus Problems');
        const remark = page.page.locator('.markers-panel .monaco-list-row', { hasText: 'cynical-review' }).first();
        await remark.waitFor();
        await page.screenshot('review');
        await page.click('batch');
        await page.command('Tenny: Clear Review');
        await remark.waitFor({ state: 'hidden' });
        await page.command('View: Toggle Panel Visibility');
    });

    test('a question is answered beside the code, with its sources', async () => {
        await page.answer('Tenny: Ask About MLX', 'what replaces torch.cat?');
        const answer = page.page.frameLocator('iframe.webview').last().frameLocator('iframe').locator('body');
        await answer.getByText('mlx.core.concatenate').first().waitFor({ timeout: 60_000 });
        await page.screenshot('ask', EDITOR);
        await page.click('batch');
        await page.command('File: Revert File');
    });
});

test('a cell of a notebook knows the cells before it', async () => {
    await opened('train.ipynb');
    assert.match(await page.hover('Conv2d', 'nn.Conv2d'), /in_channels/);
    assert.match(await page.hover('layer', 'nn.Conv2d', { nth: 1 }), /layer: nn\.Conv2d/);
    await page.screenshot('notebook');
});

describe('the model', () => {
    before(() => opened('net.py'));

    test('it is loaded and unloaded on demand', async () => {
        await page.hover('LayerNorm', 'nn.LayerNorm');
        await page.command('Tenny: Load Model');
        await until(async () => /the model is ready/.test(await page.status()), 60_000);
        assert.equal(ide.workers().length, 1);
        await page.command('Tenny: Unload Model');
        await until(async () => /no model/.test(await page.status()));
        await until(() => ide.workers().length === 0);
    });

    test('one that is killed in the middle of an answer leaves hovers working', async () => {
        await page.command('Tenny: Load Model');
        await until(async () => /the model is ready/.test(await page.status()), 60_000);
        const [worker] = ide.workers();
        process.kill(worker, 'SIGSTOP'); // now it will not have answered when it is killed
        await page.answer('Tenny: Ask About MLX', 'how do I normalize over groups of channels?');
        await page.hover('Linear', 'class nn.Linear');
        process.kill(worker, 'SIGKILL');
        await page.hover('LayerNorm', 'class nn.LayerNorm');
        await page.page.locator('.tab', { hasText: 'normalize over groups' }).waitFor(); // the documentation's answer
        await until(async () => {
            await page.click('batch'); // the answer may still be about to take the focus
            return /starts again when it is needed/.test(await page.status());
        });
    });
});

test('the environment can be reported', async () => {
    await opened('net.py');
    await page.hover('LayerNorm', 'nn.LayerNorm');
    await page.command('Tenny: Report Environment');
    await until(async () => /doctor/.test(await page.text()), 90_000);
    const report = await page.text();
    assert.match(report, /Extension: \d/);
    assert.match(report, /Server: environment/);
});

test('the walkthrough shows itself', async () => {
    await page.command('Welcome: Open Walkthrough', { asksOn: true });
    await page.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Get started with Tenny' }).click();
    await page.page.locator('.getting-started-step', { hasText: 'Hover over MLX' }).first().waitFor();
    await page.screenshot('walkthrough');
});

test('a restart brings the server back', async () => {
    await opened('net.py');
    await page.hover('LayerNorm', 'nn.LayerNorm');
    await page.command('Tenny: Restart Server');
    await page.command('Tenny: Restart Server');
    await page.hover('Linear', 'class nn.Linear');
});

test('a server that has died is started again', async () => {
    const [server] = ide.servers();
    process.kill(server, 'SIGKILL');
    await until(() => ide.servers().length === 1 && ide.servers()[0] !== server);
    await page.hover('LayerNorm', 'class nn.LayerNorm');
});

test('how long activation took is told', async () => {
    await page.command('Developer: Show Running Extensions');
    const row = page.page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'Tenny' }).first();
    const told = row.getByText(/Activation: \d+\s*ms/).first();
    measured('activation_ms', Number((await told.innerText()).match(/\d+/)[0]));
});
