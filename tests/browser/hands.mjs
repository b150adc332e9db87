// How a person gets at things: with a mouse, or by keyboard alone.

/** Presses Tab until something has the focus. */
async function tabTo(page, locator) {
  await locator.waitFor();
  // In a cell that is edited, Tab is a character.
  if (await page.evaluate(() => document.activeElement.matches('.cm-content'))) {
    await page.keyboard.press('Escape');
  }
  for (let presses = 0; presses < 200; presses++) {
    if (await locator.evaluate(node => node === document.activeElement)) {
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${locator}`);
}

const mouse = page => ({
  press: locator => locator.click(),
  /** Takes an entry of the menu that a button opens. */
  pick: async (button, entry) => {
    await button.click();
    await page.locator('.lm-Menu-item', { hasText: entry }).click();
  },
  /** Runs a command from the palette. */
  command: async label => {
    await page.keyboard.press('Control+Shift+C');
    await page.locator('.lm-CommandPalette-input').fill(label);
    await page.locator('.lm-CommandPalette-item', { hasText: label }).first().click();
  },
  write: async (locator, text) => {
    await locator.click();
    await locator.fill(text);
  },
  edit: cell => cell.locator('.cm-content').click()
});

const keyboard = page => ({
  press: async locator => {
    await tabTo(page, locator);
    await page.keyboard.press('Enter');
  },
  pick: async (button, entry) => {
    await tabTo(page, button);
    await page.keyboard.press('Enter');
    await page.locator('.lm-Menu-item', { hasText: entry }).waitFor();
    while (!(await page.locator('.lm-Menu-item.lm-mod-active', { hasText: entry }).isVisible())) {
      await page.keyboard.press('ArrowDown');
    }
    await page.keyboard.press('Enter');
  },
  command: async label => {
    await page.keyboard.press('Control+Shift+C');
    await page.locator('.lm-CommandPalette-input').waitFor();
    await page.keyboard.type(label);
    await page.locator('.lm-CommandPalette-item', { hasText: label }).first().waitFor();
    await page.keyboard.press('Enter');
  },
  write: async (locator, text) => {
    await tabTo(page, locator);
    await page.keyboard.type(text);
  },
  edit: async cell => {
    await tabTo(page, cell);
    await page.keyboard.press('Enter');
  }
});

export const hands = { mouse, keyboard };

/**
 * Runs a command from the palette of Notebook 7, which closes when it loses the focus; and a notebook that is still
 * settling takes that at any moment: then it is opened again.
 */
export async function runInNotebook(page, command, text, look = () => {}) {
  const item = page.locator(`.lm-CommandPalette-item[data-command="${command}"]`);
  for (let time = 1; ; time++) {
    try {
      await page.keyboard.press('Control+Shift+C');
      await page.locator('.lm-CommandPalette-input').fill(text, { timeout: 5000 });
      await item.waitFor({ timeout: 5000 });
      await look();
      await item.click({ timeout: 5000 });
      return;
    } catch (error) {
      if (time === 8) throw error;
      await page.keyboard.press('Escape');
    }
  }
}
