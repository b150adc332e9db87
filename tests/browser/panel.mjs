// The panel: how to open a section of it alone, and how to look at what it shows.

import { violations } from './axe.mjs';
import { themes } from './chromium.mjs';

const ID = 'first-jupyter:panel';
const PANEL = `[id="${ID}"]`;

export class Panel {
  /** `pictures`: the folder that they go to. */
  constructor(page, pictures) {
    this.page = page;
    this.pictures = pictures;
    this.node = page.locator(PANEL);
    /** What was found wrong, by state and theme. */
    this.found = {};
  }

  async open() {
    // What JupyterLab restores would cover it again.
    await this.page.evaluate(() => window.jupyterapp.restored.then(() => {}));
    await this.page.evaluate(id => window.jupyterapp.shell.activateById(id), ID);
    await this.node.waitFor();
  }

  section(name) {
    return this.page.locator(`[id="${ID}-${name}"]`);
  }

  /** Opens one section, and closes the others. */
  async show(name) {
    await this.page.evaluate(
      ([id, wanted]) => {
        const panel = [...window.jupyterapp.shell.widgets('left')].find(widget => widget.id === id);
        panel.content.widgets.forEach((section, index) => {
          panel.content[section.id === wanted ? 'expand' : 'collapse'](index);
        });
      },
      [ID, `${ID}-${name}`]
    );
    await this.section(name).waitFor();
    return this.section(name);
  }

  async filter(text) {
    await this.node.getByRole('searchbox').fill(text);
  }

  /** Takes the state's picture in each theme, and notes what axe-core and a ruler find wrong. */
  async look(state, locator, context = PANEL) {
    // Each change takes a moment: the theme that is on comes first.
    const on = await this.page.evaluate(() => document.body.dataset.jpThemeName);
    for (const theme of [...themes].sort((one, other) => (other.title === on) - (one.title === on))) {
      await theme.put(this.page);
      await this.page.mouse.move(700, 5);
      await this.picture(`${state}-${theme.name}.png`, locator);
      this.found[`${state}, ${theme.name}`] = [...(await violations(this.page, context)), ...(await cutOff(this.page, context))];
    }
  }

  /** A picture of a section with its title, or of something else, without the empty space under it. */
  async picture(file, locator) {
    const clip = await locator.evaluate(node => {
      const box = node.getBoundingClientRect();
      const titles = [...document.querySelectorAll('.jp-FirstPanel .lm-AccordionPanel-title')];
      const title = titles.find(each => Math.abs(each.getBoundingClientRect().bottom - box.top) < 2);
      const top = (title ?? node).getBoundingClientRect().top;
      const inner = [...(node.querySelector('.jp-FirstPanel-body')?.children ?? [])];
      const end = Math.max(box.top, ...inner.map(child => child.getBoundingClientRect().bottom)) + 8;
      const bottom = Math.min(inner.length ? end : box.bottom, box.bottom, innerHeight);
      return { x: box.x, y: top, width: box.width, height: bottom - top };
    });
    await this.page.screenshot({ path: `${this.pictures}/${file}`, clip });
  }
}

/** What does not fit: text that is cut with no way to read it, and anything that scrolls sideways. */
export async function cutOff(page, selector) {
  return page.evaluate(selector => {
    const wrong = [];
    for (const node of document.querySelectorAll(`${selector} *`)) {
      const { overflowX } = getComputedStyle(node);
      const shown = node.getClientRects().length > 0 && node.clientWidth > 1;
      if (!shown || overflowX === 'visible' || node.scrollWidth <= node.clientWidth + 1) continue;
      const isLog = node.matches('pre, textarea, input');
      if (!isLog && !node.title) {
        wrong.push(`cut off: ${node.className}: ${node.textContent.slice(0, 80)}: ${node.scrollWidth} in ${node.clientWidth}`);
      }
    }
    return wrong;
  }, selector);
}
