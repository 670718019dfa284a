require('fs').writeFileSync(home + '/.claude/settings.json', JSON.stringify(hooks))
