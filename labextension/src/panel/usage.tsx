// The section “Usage”: what was asked today and in 30 days, of which model, from which notebook, and what it cost.

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Usage } from '../usage';
import type { ISpan, ISum, IUsage } from '../usageApi';
import { shortName } from '../words';
import { Chart } from './chart';
import { count, nodeHours, seconds } from './figures';
import { Known, Notice } from './parts';
import { Section } from './section';

export class UsageSection extends Section {
  constructor(
    private readonly usage: Usage,
    private readonly trans: TranslationBundle
  ) {
    super('usage', trans.__('Usage'), [usage]);
  }

  protected override draw(): JSX.Element {
    const { usage, trans } = this;
    return (
      <Known
        value={usage.value}
        problem={usage.problem}
        asking={trans.__('Asking what was used…')}
        tryAgain={{ label: trans.__('Try Again'), act: () => usage.refresh() }}
        draw={value => this.used(value)}
      />
    );
  }

  private used(usage: IUsage): JSX.Element {
    const { trans } = this;
    const { last_30_days: month } = usage;
    if (month.requests === 0) {
      return (
        <Notice
          sentence={trans.__(
            'Nothing was asked in the last 30 days. “%1” in a notebook asks the current model.',
            '%%first'
          )}
        />
      );
    }
    return (
      <>
        <Totals today={usage.today} month={month} trans={trans} />
        <Chart days={usage.days} trans={trans} />
        <Shares
          what={trans.__('Model')}
          sums={month.by_model}
          say={shortName}
          costs
          trans={trans}
        />
        <Shares
          what={trans.__('Notebook')}
          sums={month.by_notebook}
          trans={trans}
        />
      </>
    );
  }
}

function Totals(props: {
  today: ISpan;
  month: ISpan;
  trans: TranslationBundle;
}): JSX.Element {
  const { today, month, trans } = props;
  const rows: [string, (span: ISpan) => string][] = [
    [trans.__('Requests'), span => count(span.requests)],
    [trans.__('Failed'), span => count(span.failed)],
    [trans.__('Tokens read'), span => count(span.prompt_tokens)],
    [trans.__('Tokens written'), span => count(span.completion_tokens)],
    [trans.__('First token'), span => seconds(span.first_token_s)],
    [trans.__('Node-hours'), span => nodeHours(span.node_hours)]
  ];
  return (
    <table className="jp-FirstPanel-table">
      <thead>
        <tr>
          <td></td>
          <th scope="col">{trans.__('Today')}</th>
          <th scope="col">{trans.__('30 days')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, say]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{say(today)}</td>
            <td>{say(month)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The 30 days by model or by notebook, the one with most requests first. */
function Shares(props: {
  what: string;
  sums: Record<string, ISum>;
  say?: (name: string) => string;
  costs?: boolean;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { what, sums, costs, trans, say = name => name } = props;
  const rows = Object.entries(sums).sort(
    ([, one], [, other]) => other.requests - one.requests
  );
  if (rows.length === 0) {
    return null;
  }
  return (
    <table className="jp-FirstPanel-table jp-mod-shares">
      <caption>{what}</caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Requests')}</th>
          <th scope="col">{trans.__('Tokens')}</th>
          {costs && <th scope="col">{trans.__('Node-hours')}</th>}
        </tr>
      </thead>
      {rows.map(([name, sum]) => (
        <tbody key={name}>
          <tr>
            <th scope="rowgroup" colSpan={costs ? 3 : 2} title={name}>
              {say(name)}
            </th>
          </tr>
          <tr>
            <td>{count(sum.requests)}</td>
            <td>{count(sum.prompt_tokens + sum.completion_tokens)}</td>
            {costs && <td>{nodeHours(sum.node_hours)}</td>}
          </tr>
        </tbody>
      ))}
    </table>
  );
}
