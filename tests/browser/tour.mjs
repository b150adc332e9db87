// The journey of docs/tour.md, with a picture of each station: from nobody logged in to the answer of a model that was cold.
// Usage: node tour.mjs ADDRESS SCENES PICTURES

import { onPage } from './chromium.mjs';
import { Panel } from './panel.mjs';
import { Server } from './server.mjs';

const [, , address, scenes, pictures] = process.argv;
const server = new Server(address);
const LARGE = 'meta-llama/Llama-3.3-70B-Instruct';
const SOPHIA = 'argonne-sophia';
const PROMPT = '%%first --max-tokens 60\nWhy does ice float? Answer in two sentences.';

const scene = name => fetch(scenes + name, { method: 'POST' });
const job = status => scene(`job?cluster=sophia&model=${LARGE}&status=${status}`);

await onPage(
  address,
  async page => {
    const panel = new Panel(page, pictures);
    const picture = name => page.screenshot({ path: `${pictures}/${name}.png` });
    const dialog = page.getByRole('dialog');
    await page.getByText(/\| Idle/).waitFor();
    await panel.open();
    await panel.section('account').getByText(/Not logged in/).waitFor();
    await picture('1-installed');

    await panel.section('account').getByRole('button', { name: 'Log In with Globus…' }).click();
    await dialog.getByRole('link', { name: 'Open Globus in a new tab' }).waitFor();
    await picture('2-login');
    await server.logIn();
    await dialog.waitFor({ state: 'detached' });

    await page.getByText(/Logged in as/).first().waitFor({ state: 'detached' });
    const models = await panel.show('models');
    await panel.filter('70B');
    await models.getByText(SOPHIA, { exact: true }).waitFor();
    await models.getByRole('button', { name: 'Choose Llama-3.3-70B-Instruct', exact: true }).click();
    await page.getByRole('button', { name: /Language model/ }).getByText('Llama').waitFor();
    await picture('3-cold');

    // The gateway says that a job waits, then that the node loads, then it answers.
    const cells = page.locator('.jp-CodeCell');
    await cells.first().locator('.cm-content').click();
    await page.keyboard.type('%load_ext first_jupyter');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type(PROMPT);
    await page.keyboard.press('Shift+Enter');
    await cells.nth(1).getByText(/the gateway was asked/).waitFor();
    await picture('4-asked');
    await job('queued');
    await server.until('queued', LARGE, SOPHIA);
    await models.getByText(/^queued/).first().waitFor();
    await picture('5-queued');
    await job('starting');
    await server.until('starting', LARGE, SOPHIA);
    await models.getByText(/^starting/).first().waitFor();
    await picture('6-loading');
    await job('running');
    await server.until('hot', LARGE, SOPHIA);
    await cells.nth(1).locator('.jp-InputPrompt', { hasText: /\[\d+\]/ }).waitFor();
    await panel.show('usage');
    await picture('7-answered');
    return { output: await cells.nth(1).innerText() };
  },
  { viewport: { width: 1000, height: 620 }, deviceScaleFactor: 1.5 }
);
