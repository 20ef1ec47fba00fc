"""Helpers without product knowledge: permissions, edges, REST, tenancy. Imports no app of ours."""
