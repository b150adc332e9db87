// `first-jupyter:status`: the current model and its state, in the status bar.

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ReactWidget } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';

import type { IFederation as IFederationType } from './federation';
import { IFederation } from './federation';
import { isUnderWay } from './catalog';
import { CommandIDs } from './commandIds';
import { iconOf, unavailableIcon } from './icons';
import { remedyFor } from './remedy';
import { choiceName, stateText, stateWord, tooltip } from './words';

interface IStatusProps {
  federation: IFederationType;
  trans: TranslationBundle;
  open: () => void;
}

/** Draws again at each change, and each second while a time is being counted down. */
function useFederation(federation: IFederationType): void {
  const [, draw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    federation.changed.connect(draw);
    return () => {
      federation.changed.disconnect(draw);
    };
  }, [federation]);
  const offer = federation.current?.offer ?? null;
  const counting = isUnderWay(offer) && offer?.eta !== null;
  React.useEffect(() => {
    const timer = counting ? setInterval(draw, 1000) : undefined;
    return () => clearInterval(timer);
  }, [counting]);
}

function Status({ federation, trans, open }: IStatusProps): JSX.Element {
  useFederation(federation);
  const { Icon, text, spoken, title } = describe(federation, trans);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      event.stopPropagation();
      open();
    }
  };
  return (
    <>
      <div
        className="jp-FirstStatus-button"
        role="button"
        tabIndex={0}
        aria-haspopup="dialog"
        aria-label={trans.__('Language model: %1. Choose a model', text)}
        title={title}
        onClick={open}
        onKeyDown={onKeyDown}
      >
        <Icon.react className="jp-FirstStatus-icon" tag="span" />
        <span className="jp-StatusBar-TextItem">{text}</span>
      </div>
      <span className="jp-FirstStatus-spoken" role="status">
        {spoken}
      </span>
    </>
  );
}

/** What the item shows, says aloud when it changes, and tells the resting pointer. */
function describe(
  federation: IFederationType,
  trans: TranslationBundle
): {
  Icon: typeof unavailableIcon;
  text: string;
  spoken: string;
  title: string;
} {
  const remedy = remedyFor(federation, trans);
  if (remedy) {
    const { title: text, advice } = remedy;
    return { Icon: unavailableIcon, text, spoken: text, title: advice };
  }
  const choice = federation.current;
  if (!choice) {
    const text = trans.__('FIRST: choose a model');
    return { Icon: unavailableIcon, text, spoken: text, title: text };
  }
  const { offer } = choice;
  const name = choiceName(choice);
  const age = federation.age;
  const title = tooltip(choice, age, trans);
  if (!offer) {
    const text = trans.__('%1 · no cluster', name);
    return { Icon: unavailableIcon, text, spoken: text, title };
  }
  return {
    Icon: iconOf(offer.state),
    text: `${name} · ${stateText(offer, age, trans)}`,
    // The state alone: nobody wants each percent read out.
    spoken: trans.__('%1 is %2', name, stateWord(offer.state, trans)),
    title
  };
}

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'first-jupyter:status',
  description: 'Shows the current model and its state in the status bar.',
  autoStart: true,
  requires: [IFederation],
  // Notebook 7 has no status bar.
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    federation: IFederationType,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ): void => {
    if (!statusBar) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('first_jupyter');
    const item = ReactWidget.create(
      <Status
        federation={federation}
        trans={trans}
        open={() => void app.commands.execute(CommandIDs.chooseModel)}
      />
    );
    item.addClass('jp-FirstStatus');
    item.addClass('jp-mod-highlighted');
    statusBar.registerStatusItem('first-jupyter:status', {
      item,
      align: 'left',
      rank: 10
    });
  }
};
