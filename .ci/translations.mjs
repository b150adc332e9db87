// Keeps the catalogues of translations in step with the TypeScript: adds what is new, with an empty translation, and takes out
// what is gone. With --check it changes nothing, and fails where a translation is missing, stale, or loses a place-holder.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const ROOT = new URL('..', import.meta.url);
const ts = createRequire(new URL('labextension/package.json', ROOT))('typescript');
const SOURCES = new URL('labextension/src/', ROOT);
const LOCALES = new URL('first_jupyter/locale/', ROOT);
// What the arguments of each of the translator's methods are; JupyterLab joins context and text with U+0004.
const METHODS = { __: ['text'], _n: ['text', 'plural'], _p: ['context', 'text'], _np: ['context', 'text', 'plural'] };

/** All strings of one file, as the catalogue's keys, each with the text in which its place-holders stand. */
function* stringsOf(name) {
  const source = ts.createSourceFile(name, readFileSync(new URL(name, SOURCES), 'utf8'), ts.ScriptTarget.Latest, true);
  const calls = [];
  const visit = node => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && Object.hasOwn(METHODS, node.expression.name.text)) {
      calls.push(node);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const call of calls) {
    const said = {};
    METHODS[call.expression.name.text].forEach((what, index) => {
      const argument = call.arguments[index];
      if (!argument || !ts.isStringLiteralLike(argument)) {
        const { line } = source.getLineAndCharacterOfPosition(call.getStart());
        throw new Error(`labextension/src/${name}:${line + 1}: only literal strings can be translated.`);
      }
      said[what] = argument.text;
    });
    const key = said.context === undefined ? said.text : `${said.context}\u0004${said.text}`;
    yield [key, { english: said.plural ?? said.text, forms: said.plural === undefined ? 1 : 2 }];
  }
}

const placeHolders = text => [...new Set(text.match(/%\d/g))].sort().join(' ');

/** What is wrong with a catalogue. */
function* faults(catalogue, strings) {
  for (const [key, { english, forms }] of strings) {
    const translated = catalogue[key] ?? [];
    if (translated.length !== forms || translated.some(form => !form)) {
      yield `no translation of “${key}”`;
    } else if (placeHolders(translated.at(-1)) !== placeHolders(english)) {
      yield `“${key}” is translated with other place-holders: “${translated.at(-1)}”`;
    }
  }
  for (const key of Object.keys(catalogue)) {
    if (key && !strings.has(key)) yield `nothing says “${key}” any more`;
  }
}

/** The catalogue with just the strings that there are, in their order. */
function inStep(catalogue, strings) {
  const empty = forms => Array(forms).fill('');
  const entries = [...strings].map(([key, { forms }]) => [key, catalogue[key] ?? empty(forms)]);
  return { '': catalogue[''], ...Object.fromEntries(entries) };
}

/** One line for each string, so that a change of one is a change of one line. */
function written(catalogue) {
  const line = ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`;
  return `{\n${Object.entries(catalogue).map(line).join(',\n')}\n}\n`;
}

const files = readdirSync(SOURCES, { recursive: true }).filter(name => /\.tsx?$/.test(name));
const found = files.flatMap(name => [...stringsOf(name)]);
const strings = new Map(found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
for (const locale of readdirSync(LOCALES)) {
  const file = new URL(`${locale}/LC_MESSAGES/first_jupyter.json`, LOCALES);
  const before = JSON.parse(readFileSync(file, 'utf8'));
  const check = process.argv.includes('--check');
  const after = check ? before : inStep(before, strings);
  if (!check) writeFileSync(file, written(after));
  const wrong = [...faults(after, strings)];
  wrong.forEach(fault => console.error(`${locale}: ${fault}`));
  if (wrong.length && check) {
    console.error('Run “node .ci/translations.mjs”, then fill in the empty strings of first_jupyter/locale.');
    process.exitCode = 1;
  }
}
