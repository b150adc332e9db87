// Debian's Chromium, driven by Playwright, and what a page said on its console.

import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
];

/** JupyterLab's themes, and how to put one on. */
export const themes = ['Light', 'Dark', 'Dark High Contrast'].map(kind => ({
  name: kind.toLowerCase().replaceAll(' ', '-'),
  title: `JupyterLab ${kind}`,
  put: async page => {
    const theme = `JupyterLab ${kind}`;
    await page.evaluate(theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme }), theme);
    // Under a veil, which lifts a moment later.
    await page.waitForFunction(
      theme => document.body.dataset.jpThemeName === theme && !document.getElementById('jupyterlab-splash'),
      theme
    );
  }
}));

/** Opens a page, hands it to the body with the errors that it logs, and prints what the body returns as JSON. */
export async function onPage(address, body, options = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS
  });
  const page = await browser.newPage({
    viewport: { width: 1180, height: 720 },
    ...options
  });
  page.setDefaultTimeout(Number(process.env.FIRST_PATIENCE_MS ?? 120_000));
  const errors = [];
  page.on('console', message => {
    if (message.type() === 'error') {
      errors.push(`${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', error => errors.push(error.stack ?? String(error)));
  try {
    await page.goto(address);
    const seen = await body(page);
    console.log(JSON.stringify({ ...seen, errors }));
  } catch (error) {
    const picture = `${process.env.SHOTS ?? '.'}/failed.png`;
    await page.screenshot({ path: picture });
    console.error(`${error}\nThe page is in ${picture}; its console said:`, errors);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** Has the page believe that nobody sees it: without a screen, there is no tab to put before it. */
export async function hidePage(page) {
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { get: () => true });
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
  });
}

/** Whether something gets the keyboard's focus: a dialog gives it a moment after it shows. */
export async function hasFocus(locator) {
  for (let waited = 0; waited < 60_000; waited += 50) {
    if (await locator.evaluate(node => node === document.activeElement)) {
      return true;
    }
    await new Promise(later => setTimeout(later, 50));
  }
  return false;
}
