// The names of our commands, as menus, shortcuts and other extensions use them.

export const CommandIDs = {
  openPanel: 'first:open-panel',
  addCluster: 'first:add-cluster',
  chooseModel: 'first:choose-model',
  startModel: 'first:start-model',
  stopModel: 'first:stop-model',
  showLog: 'first:show-log',
  insertClient: 'first:insert-client',
  explainError: 'first:explain-error',
  sendSelection: 'first:send-selection',
  quickstart: 'first:quickstart',
  login: 'first:login',
  logout: 'first:logout'
} as const;
