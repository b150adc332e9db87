// What axe-core finds wrong for people who read a screen by other means than their eyes.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The violations inside of these selectors, one line each; JupyterLab's own, outside of them, are not looked for. */
export async function violations(page, ...selectors) {
  if (!(await page.evaluate(() => 'axe' in window))) {
    await page.evaluate(source);
  }
  return page.evaluate(async include => {
    const found = await window.axe.run({ include }, { resultTypes: ['violations'] });
    if (found.passes.length === 0) {
      throw new Error(`axe-core saw nothing in ${include}`);
    }
    return found.violations.flatMap(({ id, help, nodes }) =>
      nodes.map(node => `${id}: ${help}: ${node.html.slice(0, 200)} ${node.any.map(each => each.message).join(' ')}`)
    );
  }, selectors);
}
