// A workspace of two folders, each with an interpreter of its own: the names of its MLX are known in each.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Ide, PYTHON } from './ide.mjs';

/** @type {Ide} */
let ide;
let workspace;

before(async () => {
    ide = await Ide.start('folders', {});
    workspace = path.join(ide.project, 'both.code-workspace');
    const made = madeUp(path.join(ide.project, 'made-up'));
    for (const [name, python, word] of [
        ['one', PYTHON, 'abs'],
        ['two', made, 'conjure'],
    ]) {
        const folder = path.join(ide.project, name);
        mkdirSync(path.join(folder, '.vscode'), { recursive: true });
        writeFileSync(path.join(folder, '.vscode/settings.json'), JSON.stringify({ 'tenny.python': python }));
        writeFileSync(path.join(folder, `${name}.py`), `import mlx.core as mx\n\nmx.${word}\n`);
    }
    writeFileSync(workspace, JSON.stringify({ folders: [{ path: 'one' }, { path: 'two' }] }));
});

after(() => ide?.stop());

/** Makes an interpreter that has an MLX of one function, and returns its path. */
function madeUp(folder) {
    const files = {
        'site/mlx/core/__init__.pyi': 'def conjure(a: int) -> int:\n    """Conjures."""\n',
        'site/mlx/nn/__init__.py': '',
        'site/mlx-9.9.dist-info/METADATA': 'Metadata-Version: 2.1\nName: mlx\nVersion: 9.9\n',
        python: `#!/bin/sh\necho '["${folder}/site"]'\n`,
    };
    for (const [name, text] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
        writeFileSync(path.join(folder, name), text);
    }
    chmodSync(path.join(folder, 'python'), 0o755);
    return path.join(folder, 'python');
}

test('each folder has its own MLX', async () => {
    const one = await ide.open('one/one.py', workspace);
    await one.hover('abs', 'mlx.core.abs · mlx 0');
    await one.page.close();
    const two = await ide.open('two/two.py', workspace);
    await two.hover('conjure', 'mlx.core.conjure · mlx 9.9');
});
