/** Offers VS Code's agents the tools of `tenny-lsp mcp`. It is VS Code, asked by its user, that starts a server. */

import * as vscode from 'vscode';
import type { Lifecycle } from './lifecycle';
import { meantPython } from './python';

/** As in package.json. */
const ID = 'tenny.mcp';

interface Definition {
    cwd?: vscode.Uri;
}

interface Provider {
    readonly onDidChangeMcpServerDefinitions: vscode.Event<void>;
    provideMcpServerDefinitions(): Promise<Definition[]>;
}

type Environment = Record<string, string | number | null>;

/** The part of VS Code's API that came with 1.101; older ones, which this extension runs in too, do not have it. */
interface McpApi {
    readonly lm?: { registerMcpServerDefinitionProvider?(id: string, provider: Provider): vscode.Disposable };
    readonly McpStdioServerDefinition?: new (
        label: string,
        command: string,
        args: string[],
        env: Environment,
        version: string,
    ) => Definition;
}

/** Announces a server for each folder, where VS Code takes any. */
export function registerMcp(context: vscode.ExtensionContext, server: Lifecycle): void {
    const { lm, McpStdioServerDefinition } = vscode as unknown as McpApi;
    if (lm?.registerMcpServerDefinitionProvider === undefined || McpStdioServerDefinition === undefined) {
        return;
    }
    const changed = new vscode.EventEmitter<void>();
    const version = String(context.extension.packageJSON.version);
    const define = async (folder: vscode.WorkspaceFolder): Promise<Definition> => {
        const python = await meantPython(folder);
        const [program = '', ...args] = await server.command('mcp', ...(python ? ['--python', python] : []));
        const isOnly = vscode.workspace.workspaceFolders?.length === 1;
        const label = isOnly ? 'Tenny' : `Tenny (${folder.name})`;
        const definition = new McpStdioServerDefinition(label, program, args, {}, version);
        definition.cwd = folder.uri; // files are read there, and nowhere else
        return definition;
    };
    const provider: Provider = {
        onDidChangeMcpServerDefinitions: changed.event,
        provideMcpServerDefinitions: async () => {
            const folders = vscode.workspace.isTrusted ? (vscode.workspace.workspaceFolders ?? []) : [];
            return await Promise.all(folders.filter(({ uri }) => uri.scheme === 'file').map(define));
        },
    };
    context.subscriptions.push(
        changed,
        lm.registerMcpServerDefinitionProvider(ID, provider),
        server.onDidChangeCommand(() => changed.fire()),
        vscode.workspace.onDidChangeWorkspaceFolders(() => changed.fire()),
    );
}
