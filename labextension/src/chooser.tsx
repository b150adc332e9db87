// The dialog that chooses a model: type to filter, arrows to move, Enter to take.

import { Dialog, ReactWidget, showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { choicesOf, filterModels } from './catalog';
import { ChoiceList, optionId } from './choiceList';
import type { IFederation } from './federation';
import { remedyFor } from './remedy';
import type { ISettings } from './settings';

const LIST_ID = 'jp-FirstChooser-list';

interface IChooserProps {
  federation: IFederation;
  trans: TranslationBundle;
  /** Called with what would be taken now. */
  select: (value: string | null) => void;
  /** Takes what is selected and closes the dialog. */
  take: () => void;
}

function Chooser(props: IChooserProps): JSX.Element {
  const { federation, trans, select, take } = props;
  const [, draw] = React.useReducer((count: number) => count + 1, 0);
  const [filter, setFilter] = React.useState('');
  const [wanted, setWanted] = React.useState(federation.current?.value ?? null);

  React.useEffect(() => {
    federation.changed.connect(draw);
    return () => {
      federation.changed.disconnect(draw);
    };
  }, [federation]);

  const models = filterModels(federation.catalog.models, filter);
  const values = models.flatMap(choicesOf).map(choice => choice.value);
  const selected =
    wanted !== null && values.includes(wanted) ? wanted : (values[0] ?? null);
  React.useEffect(() => {
    select(selected);
  }, [selected]);

  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || selected === null) {
      return;
    }
    event.preventDefault();
    const index = values.indexOf(selected) + step;
    setWanted(values[Math.max(0, Math.min(values.length - 1, index))] ?? null);
  };

  return (
    <>
      <input
        className="jp-mod-styled jp-FirstChooser-filter"
        type="search"
        role="combobox"
        aria-label={trans.__('Filter the models')}
        aria-expanded={true}
        aria-controls={LIST_ID}
        aria-activedescendant={
          selected === null ? undefined : optionId(selected)
        }
        placeholder={trans.__('Filter by name, cluster or state')}
        value={filter}
        onChange={event => setFilter(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {models.length > 0 ? (
        <ChoiceList
          id={LIST_ID}
          models={models}
          selected={selected}
          current={federation.current?.value ?? null}
          age={federation.age}
          trans={trans}
          select={setWanted}
          take={take}
        />
      ) : (
        <p className="jp-FirstChooser-none">
          {trans.__('No model matches “%1”.', filter)}
        </p>
      )}
    </>
  );
}

class ChooserBody
  extends ReactWidget
  implements Dialog.IBodyWidget<string | null>
{
  constructor(
    private readonly federation: IFederation,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-FirstChooser');
  }

  /** The dialog that this stands in, once there is one. */
  dialog: Dialog<string | null> | null = null;

  getValue(): string | null {
    return this.value;
  }

  protected override render(): JSX.Element {
    return (
      <Chooser
        federation={this.federation}
        trans={this.trans}
        select={value => (this.value = value)}
        take={() => this.dialog?.resolve()}
      />
    );
  }

  private value: string | null = null;
}

/** Shows the dialog, and makes its result the current choice. */
export async function chooseModel(
  federation: IFederation,
  settings: ISettings,
  trans: TranslationBundle
): Promise<void> {
  await federation.refresh();
  const remedy = remedyFor(federation, trans);
  if (remedy) {
    await showErrorMessage(remedy.title, remedy.advice);
    return;
  }
  const body = new ChooserBody(federation, trans);
  const dialog = new Dialog<string | null>({
    title: trans.__('Choose a model'),
    body,
    focusNodeSelector: '.jp-FirstChooser-filter',
    checkbox: {
      label: trans.__('Start it now, so that it is hot when asked'),
      checked: false
    },
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Choose') })
    ]
  });
  body.dialog = dialog;
  const { button, value, isChecked } = await dialog.launch();
  if (!button.accept || !value) {
    return;
  }
  try {
    await federation.choose(value);
    if (isChecked) {
      const choice = federation.current;
      const cluster = choice?.pinned ? choice.offer?.cluster : undefined;
      await federation.start(choice?.model.id ?? value, cluster, settings.hold);
    }
  } catch (error) {
    await showErrorMessage(trans.__('Not chosen'), error as Error);
  }
}
