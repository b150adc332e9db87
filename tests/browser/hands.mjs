// How a person gets at things: with a mouse, or by keyboard alone.

/** Presses Tab until something has the focus. */
async function tabTo(page, locator) {
  await locator.waitFor();
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
