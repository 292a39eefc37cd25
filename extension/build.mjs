// Bundles the client. What activation needs is a small file of its own; the language client follows when it is used.
import path from 'node:path';
import { build } from 'esbuild';

const clientApart = {
    name: 'client apart',
    setup: ({ onResolve }) =>
        onResolve({ filter: /^\.\/client$/ }, ({ importer }) =>
            path.basename(importer) === 'lifecycle.ts' ? { path: './client', external: true } : undefined,
        ),
};

await build({
    entryPoints: ['src/extension.ts', 'src/client.ts'],
    outdir: 'dist',
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['vscode'],
    supported: { 'dynamic-import': false }, // require: VS Code answers it for 'vscode'
    plugins: [clientApart],
    logLevel: 'warning',
});
