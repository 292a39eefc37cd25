// What a user does in a window of VS Code, and what they see.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

const SCREENSHOTS = path.resolve(import.meta.dirname, '../../.work/vscode/screenshots');

export class Page {
    constructor(page) {
        this.page = page;
    }

    /** Hovers over a word in the visible text until a popup that has `expected` is there, and returns what it says. */
    async hover(word, expected, { patience = 60_000, nth = 0 } = {}) {
        const popup = this.page.locator('.monaco-hover:visible', { hasText: expected }).first();
        for (const end = Date.now() + patience; ;) {
            await this.page.keyboard.press('Escape');
            await this.page.mouse.move(5, 5);
            const place = await this.place(word, nth);
            await this.page.mouse.move(place.x, place.y, { steps: 5 });
            if (await seen(popup, 1500)) {
                return await popup.innerText();
            }
            assert.ok(Date.now() < end, `no hover on ${word} says ${expected}`);
        }
    }

    /** Puts the cursor into a word of the visible text, `offset` characters from its start. */
    async click(word, { offset = 1, nth = 0, button = 'left' } = {}) {
        const { x, y } = await this.place(word, nth, offset);
        await this.page.mouse.click(x, y, { button });
    }

    /** Puts the cursor at the end of the line that a text is in. */
    async clickAfter(text) {
        await this.click(text);
        await this.page.keyboard.press('End');
    }

    /** Runs a command of the palette. */
    async command(title, { asksOn = false } = {}) {
        const input = this.page.locator('.quick-input-widget:visible input[type=text]');
        const exact = this.page.locator(`.quick-input-list .monaco-list-row[aria-label^="${title}"]`).first();
        for (const end = Date.now() + 30_000; ;) {
            await this.page.keyboard.press('F1');
            await input.fill(`>${title}`);
            if (await seen(exact, 3000)) {
                break;
            }
            assert.ok(Date.now() < end, `there is no command ${title}`);
            await this.page.keyboard.press('Escape'); // a window that has just opened may not know yet that it may run it
        }
        await exact.click();
        if (!asksOn) {
            await input.waitFor({ state: 'hidden' });
        }
    }

    /** Runs a command that asks for a line of text, and answers it. */
    async answer(title, text) {
        await this.command(title, { asksOn: true });
        await this.page.locator('.quick-input-list .monaco-list-row').first().waitFor({ state: 'hidden' });
        await this.page.locator('.quick-input-widget:visible input[type=text]').fill(text);
        await this.page.keyboard.press('Enter');
    }

    /** Returns the notification with a text, waiting for it. */
    async notification(text, patience = 30_000) {
        const found = this.page.locator('.notification-toast', { hasText: text }).first();
        await found.waitFor({ timeout: patience });
        return found;
    }

    /** Presses a button of a notification. */
    async press(notification, title) {
        await notification.locator('.monaco-button', { hasText: title }).first().click();
    }

    /** Returns what an entry of Tenny's in the status bar's language menu says; nothing when it is not there. */
    async status(title = /Tenny[: ]/) {
        await this.page.mouse.move(5, 5);
        const item = this.page.locator('[id="status.languageStatus"]');
        await item.hover({ timeout: 2000 }).catch(() => {}); // it is not there while something else has the focus
        const entry = this.page.locator('.hover-language-status', { hasText: title }).first();
        return (await seen(entry, 2000)) ? await entry.innerText() : '';
    }

    /** Returns the text of the editor, as far as it is in view. */
    async text() {
        const lines = await this.page.evaluate(() =>
            [...document.querySelectorAll('.editor-instance .view-lines .view-line')]
                .map((line) => ({ top: line.getBoundingClientRect().top, text: line.textContent }))
                .sort((one, other) => one.top - other.top)
                .map(({ text }) => text.replace(/\u00a0/g, ' ')),
        );
        return lines.join('\n');
    }

    /** Returns what the output panel shows, in one line. */
    async output() {
        const lines = await this.page.locator('.output-view .view-lines .view-line').allInnerTexts();
        return lines.join('').replace(/\u00a0/g, ' ');
    }

    /** Returns what the terminal shows. */
    async terminal() {
        const rows = await this.page.locator('.terminal.xterm .xterm-rows > div').allInnerTexts();
        return rows.join('\n').replace(/\u00a0/g, ' ');
    }

    /** Returns the pixel in the middle of a character of the visible text. */
    async place(text, nth = 0, offset = 1) {
        const found = await this.page.evaluate(placeOf, { text, nth, offset });
        assert.ok(found, `not in view: ${text}`);
        return found;
    }

    /** Keeps a picture of the window, or of a part of it. */
    async screenshot(name, clip) {
        mkdirSync(SCREENSHOTS, { recursive: true });
        await this.page.waitForTimeout(300); // popups fade in
        await this.page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`), ...(clip ? { clip } : {}) });
    }
}

/** Tells whether something becomes visible within some milliseconds. */
export async function seen(locator, patience) {
    return await locator.waitFor({ timeout: patience }).then(
        () => true,
        () => false,
    );
}

// Runs in the page. By text, not by element: a span may begin with the indentation.
function placeOf({ text, nth, offset }) {
    const lines = [
        ...document.querySelectorAll(
            '.editor-instance .view-lines .view-line, .cell-editor-container .view-lines .view-line',
        ),
    ];
    lines.sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top);
    let left = nth;
    for (const line of lines) {
        const content = line.textContent.replace(/\u00a0/g, ' ');
        for (let start = content.indexOf(text); start >= 0; start = content.indexOf(text, start + 1)) {
            if (left-- > 0) {
                continue;
            }
            let at = start + offset;
            const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                if (at < node.length) {
                    const range = document.createRange();
                    range.setStart(node, at);
                    range.setEnd(node, at + 1);
                    const box = range.getBoundingClientRect();
                    return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
                }
                at -= node.length;
            }
        }
    }
    return null;
}
