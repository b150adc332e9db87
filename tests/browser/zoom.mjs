// The panel and the dialogs at 200 %: half of the screen, twice as sharp. Then the panel in Notebook 7.
// Usage: node zoom.mjs LAB NOTEBOOK

import { onPage } from './chromium.mjs';
import { runInNotebook } from './hands.mjs';
import { cutOff, Panel } from './panel.mjs';
import { Server } from './server.mjs';

const [, , lab, notebook] = process.argv;
const SHOTS = process.env.SHOTS;
const SECTIONS = ['account', 'models', 'warm-nodes', 'usage', 'clusters'];
const DIALOGS = ['first:choose-model', 'first:login', 'first:add-cluster'];

/** What of a dialog is outside of the window, and out of reach. */
const outside = dialog =>
  dialog.locator('.jp-Dialog-content').evaluate(node => {
    const { left, right, top, bottom } = node.getBoundingClientRect();
    return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight ? [`outside: ${node.innerText.slice(0, 40)}`] : [];
  });

await onPage(
  lab,
  async page => {
    const wrong = {};
    // JupyterLab's status bar shows none of its items in a window that is so narrow.
    await page.locator('.jp-LauncherCard').first().waitFor();
    const answer = await new Server(lab).ask(8);
    await answer.text();
    const panel = new Panel(page, SHOTS);
    await panel.open();
    for (const name of SECTIONS) {
      const section = await panel.show(name);
      await section.getByText(/\w/).first().waitFor();
      wrong[name] = await cutOff(page, '.jp-FirstPanel');
      // What is below is scrolled to.
      await section.locator('.jp-FirstPanel-body').evaluate(node => node.lastElementChild.scrollIntoView());
      await page.screenshot({ path: `${SHOTS}/zoom-${name}.png` });
    }
    const dialog = page.getByRole('dialog');
    for (const command of DIALOGS) {
      await page.evaluate(command => void window.jupyterapp.commands.execute(command), command);
      await dialog.waitFor();
      wrong[command] = [...(await cutOff(page, '.jp-Dialog')), ...(await outside(dialog))];
      await page.screenshot({ path: `${SHOTS}/zoom-${command.replace(':', '-')}.png` });
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    }

    await page.setViewportSize({ width: 1180, height: 720 });
    await page.goto(notebook);
    await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
    await runInNotebook(page, 'first:open-panel', 'Show FIRST');
    await panel.node.getByText('SmolLM2-135M-Instruct').first().waitFor();
    wrong.notebook = await cutOff(page, '.jp-FirstPanel');
    await page.screenshot({ path: `${SHOTS}/notebook7-panel.png` });
    return { wrong };
  },
  { viewport: { width: 590, height: 360 }, deviceScaleFactor: 2 }
);
