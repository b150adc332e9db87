import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib', 'lib-test', 'node_modules'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts', '**/*.tsx'],
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-function-return-type': [
        'error',
        { allowExpressions: true }
      ],
      eqeqeq: 'error',
      // What a server says is drawn as text.
      'no-restricted-syntax': [
        'error',
        'Identifier[name=/^(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|srcdoc)$/]',
        'JSXIdentifier[name=/^(dangerouslySetInnerHTML|srcDoc)$/]'
      ]
    }
  }
);
