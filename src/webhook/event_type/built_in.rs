//! The types that every store has, without a row: an application that does without them is not in their way.

/// A type of application events.
pub struct BuiltIn {
    pub name: &'static str,
    pub description: &'static str,
    pub sample: &'static str,
}

impl BuiltIn {
    /// Under what a page shows it.
    pub fn category(&self) -> &'static str {
        first_word(self.name)
    }
}

/// The word before the first dot of a name.
pub fn first_word(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// In the order of their names.
pub const BUILT_IN: [BuiltIn; 12] = [
    BuiltIn {
        name: "agent.created",
        description: "An agent was made.",
        sample: r#"{"id": "agent_1", "type": "Agent", "name": "Support"}"#,
    },
    BuiltIn {
        name: "agent.deleted",
        description: "An agent was deleted.",
        sample: r#"{"id": "agent_1", "type": "Agent"}"#,
    },
    BuiltIn {
        name: "agent.updated",
        description: "An agent was changed.",
        sample: r#"{"id": "agent_1", "type": "Agent", "name": "Support", "changed": ["name"]}"#,
    },
    BuiltIn {
        name: "app.installed",
        description: "An application was installed.",
        sample: r#"{"id": "app_1", "type": "App", "name": "Calendar"}"#,
    },
    BuiltIn {
        name: "function.called",
        description: "A function was called.",
        sample: r#"{"id": "call_1", "type": "Function", "ns": "tools", "name": "search", "duration_ms": 120}"#,
    },
    BuiltIn {
        name: "function.created",
        description: "A function was made.",
        sample: r#"{"id": "function_1", "type": "Function", "ns": "tools", "name": "search"}"#,
    },
    BuiltIn {
        name: "service.created",
        description: "A service was made.",
        sample: r#"{"id": "service_1", "type": "Service", "name": "Translation"}"#,
    },
    BuiltIn {
        name: "thing.created",
        description: "A thing was made.",
        sample: r#"{"id": "thing_1", "type": "Thing", "name": "Report"}"#,
    },
    BuiltIn {
        name: "thing.updated",
        description: "A thing was changed.",
        sample: r#"{"id": "thing_1", "type": "Thing", "name": "Report", "changed": ["name"]}"#,
    },
    BuiltIn {
        name: "workflow.completed",
        description: "A workflow came to its end.",
        sample: r#"{"id": "run_1", "type": "Workflow", "name": "Onboarding", "duration_ms": 5300}"#,
    },
    BuiltIn {
        name: "workflow.failed",
        description: "A workflow failed.",
        sample: r#"{"id": "run_1", "type": "Workflow", "name": "Onboarding", "error": "timeout"}"#,
    },
    BuiltIn {
        name: "workflow.started",
        description: "A workflow began.",
        sample: r#"{"id": "run_1", "type": "Workflow", "name": "Onboarding"}"#,
    },
];

/// What is said of each of the store's own events.
pub const OWN_CATEGORY: &str = "auth_store";
/// How each is described.
pub const OWN_DESCRIPTION: &str = "A step of the store: data is its row in the audit trail.";
/// The members that the trail gives it.
pub const OWN_SAMPLE: &str = r#"{
    "id": "0192e4a0-0000-8000-8000-000000000000", "occurred_at": "2026-01-01T00:00:00.000Z",
    "success": true, "error": null, "risk_score": 0, "flags": [], "tenant_id": "default", "client_id": "client_1",
    "user_id": "0192e4a0-0000-8000-8000-000000000001", "grant_id": null, "session_id": null, "actor_id": null,
    "resource_type": null, "resource_id": null, "details": null
}"#;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{BUILT_IN, OWN_SAMPLE};
    use crate::trail::names;
    use crate::webhook::outbox::route;

    #[test]
    fn every_type_has_a_name_of_its_own_and_a_sample() {
        assert!(BUILT_IN.is_sorted_by(|one, other| one.name < other.name));
        for built_in in BUILT_IN {
            assert!(route::is_name(built_in.name) && !names::is_own(built_in.name), "{}", built_in.name);
            assert!(serde_json::from_str::<serde_json::Value>(built_in.sample).unwrap().is_object());
        }
        assert!(serde_json::from_str::<serde_json::Value>(OWN_SAMPLE).unwrap().is_object());
        assert!(names::NAMES.into_iter().all(route::is_name));
    }
}
