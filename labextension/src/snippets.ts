// The code that our commands put into cells.

import type { Client } from './settings';

/** Loads the magics, where they are not there yet. */
export const LOAD = '%load_ext first_jupyter';

export function clientCode(client: Client): string {
  return `from ${client} import OpenAI

client = OpenAI()
answer = client.chat.completions.create(
    model="default",
    messages=[{"role": "user", "content": "Why does ice float?"}],
)
print(answer.choices[0].message.content)`;
}

/** Has the failure of a cell explained. */
export function fixCode(cell: number): string {
  return `%first fix --cell ${cell}`;
}

/** Asks about something selected: prose as it stands; code, whose language is given, with a question and with all its braces. */
export function questionCode(selection: string, language?: string): string {
  const text = selection.replace(/^\n+|\s+$/g, '');
  return language === undefined
    ? `%%first\n${text}`
    : `%%first --verbatim\nExplain this code:\n\n\`\`\`${language}\n${text}\n\`\`\``;
}
