//! What `ALTER TABLE` does to a table in use.

use sqlparser::{
    ast::{
        AlterColumnOperation, AlterTableOperation, ColumnDef, ColumnOption, Expr, Statement as Ast,
        TableConstraint,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use crate::check::{Rule, rules};

use super::statement::Statement;

/// A broken rule, what happens, and what to do.
pub(super) type Broken = (&'static Rule, String, &'static str);

/// No statement that a person wrote has more words; the parser's tree is as deep as a statement is long.
const MOST_TOKENS: usize = 4096;

/// Functions whose value differs from row to row, so that a default of them rewrites the table.
const VOLATILE: [&str; 8] = [
    "random",
    "gen_random_uuid",
    "uuid_generate_v4",
    "uuidv4",
    "uuidv7",
    "clock_timestamp",
    "nextval",
    "timeofday",
];

const SPLIT: &str = "write it as one simple ALTER TABLE per change";

/// Every rule that one `ALTER TABLE` breaks.
pub(super) fn alter(statement: &Statement) -> Vec<Broken> {
    let unread = |reason: String| vec![(&rules::MIGRATION_UNREAD, reason, SPLIT)];
    if statement.tokens.len() > MOST_TOKENS {
        return unread("is too long to be understood".to_owned());
    }
    let mut parser = Parser::new(&PostgreSqlDialect {}).with_tokens_with_locations(statement.tokens.clone());
    match parser.parse_statement() {
        Ok(Ast::AlterTable(table)) => {
            table.operations.iter().flat_map(|operation| one(operation, &table.name.to_string())).collect()
        }
        Ok(_) => Vec::new(),
        Err(error) => unread(format!("is not understood: {error}")),
    }
}

fn one(operation: &AlterTableOperation, table: &str) -> Vec<Broken> {
    use AlterTableOperation as Op;
    let later = |what: &str| format!("{what}, which the release before may still use");
    match operation {
        Op::DropColumn { column_names, .. } => {
            let names: Vec<String> = column_names.iter().map(ToString::to_string).collect();
            vec![(
                &rules::DROP_COLUMN,
                later(&format!("drops {table}.{}", names.join(", "))),
                "drop it one release after nothing uses it, and then say so: `-- pave: allow drop-column because ...`",
            )]
        }
        Op::RenameColumn { old_column_name, .. } => vec![(
            &rules::RENAME_COLUMN,
            later(&format!("renames {table}.{old_column_name}")),
            "add the new column, write both, copy, read the new one, drop the old one a release later",
        )],
        Op::RenameTable { .. } => vec![(
            &rules::RENAME_TABLE,
            later(&format!("renames {table}")),
            "make a view with the new name, and rename one release after nothing uses the old one",
        )],
        Op::AddColumn { column_def, .. } => add_column(column_def, table),
        Op::AlterColumn { column_name, op } => alter_column(&column_name.to_string(), op, table),
        Op::AddConstraint { constraint, not_valid } => add_constraint(constraint, *not_valid, table),
        _ => Vec::new(),
    }
}

fn add_column(column: &ColumnDef, table: &str) -> Vec<Broken> {
    let mut broken = Vec::new();
    let name = format!("{table}.{}", column.name);
    let has = |wanted: fn(&ColumnOption) -> bool| column.options.iter().any(|option| wanted(&option.option));
    let filled = has(|o| {
        matches!(o, ColumnOption::Default(_) | ColumnOption::Generated { .. } | ColumnOption::Identity(_))
    });
    let serial = column.data_type.to_string().to_ascii_lowercase().contains("serial");
    if has(|o| matches!(o, ColumnOption::NotNull)) && !filled && !serial {
        broken.push((
            &rules::ADD_REQUIRED_COLUMN,
            format!("adds {name}, which the release before does not fill"),
            "give it a default, or add it as optional and make it required a release later",
        ));
    }
    let rewrites = serial
        || has(|o| match o {
            ColumnOption::Default(expression) => volatile(expression),
            ColumnOption::Generated { .. } | ColumnOption::Identity(_) => true,
            _ => false,
        });
    if rewrites {
        broken.push((
            &rules::VOLATILE_DEFAULT,
            format!("adds {name} with a value of its own in each row, which rewrites {table} while nobody can read it"),
            "add it without a default, set the default in a second statement, and fill old rows in batches",
        ));
    }
    if has(|o| matches!(o, ColumnOption::Unique(_) | ColumnOption::PrimaryKey(_))) {
        broken.push(unique(&format!("adds {name} as unique"), table));
    }
    if has(|o| matches!(o, ColumnOption::ForeignKey(_) | ColumnOption::Check(_))) {
        broken.push(not_valid(&format!("adds {name} with a constraint"), table));
    }
    broken
}

fn volatile(expression: &Expr) -> bool {
    let text = expression.to_string().to_ascii_lowercase();
    VOLATILE.iter().any(|name| text.contains(&format!("{name}(")))
}

fn alter_column(column: &str, change: &AlterColumnOperation, table: &str) -> Vec<Broken> {
    match change {
        AlterColumnOperation::SetDataType { .. } => vec![(
            &rules::CHANGE_COLUMN_TYPE,
            format!(
                "changes the type of {table}.{column}, which may rewrite the table and break the release before"
            ),
            "add a column of the new type, write both, copy, read the new one, drop the old one a release later",
        )],
        AlterColumnOperation::SetNotNull => vec![(
            &rules::SET_NOT_NULL,
            format!("reads all of {table} for {column} while nobody can use it"),
            "add CHECK (column IS NOT NULL) NOT VALID, validate it in the next migration, then SET NOT NULL needs no scan; say so in a waiver",
        )],
        _ => Vec::new(),
    }
}

fn add_constraint(constraint: &TableConstraint, without_scan: bool, table: &str) -> Vec<Broken> {
    match constraint {
        TableConstraint::ForeignKey(_) | TableConstraint::Check(_) if !without_scan => {
            vec![not_valid("adds a constraint", table)]
        }
        TableConstraint::Unique(_) | TableConstraint::PrimaryKey(_) => {
            vec![unique("adds a unique constraint", table)]
        }
        _ => Vec::new(),
    }
}

fn not_valid(what: &str, table: &str) -> Broken {
    (
        &rules::CONSTRAINT_NOT_VALID,
        format!("{what} and checks all of {table} for it while nobody can write"),
        "add it as NOT VALID, and VALIDATE CONSTRAINT in the next migration",
    )
}

fn unique(what: &str, table: &str) -> Broken {
    (
        &rules::UNIQUE_WITHOUT_INDEX,
        format!("{what} and builds its index while nobody can use {table}"),
        "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own that begins with `-- no-transaction`, then ADD CONSTRAINT ... UNIQUE USING INDEX",
    )
}
