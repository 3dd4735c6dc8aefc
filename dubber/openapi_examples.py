"""What bodies of the API look like, for its description: one dub, from sign-up to its last word.

Each stands under the name of the serializer that takes or gives it; a test lets that one read it.
"""

from collections.abc import Mapping
from typing import Any

EMAIL, PASSWORD = "ana@example.com", "correct horse battery staple"
JOB_ID, USER_ID = "job_k3v9x2m7q4tz", "35ae9ad1-4056-42c4-a0ad-67002d3ba422"
LINK = "http://localhost:8000/d/{file}.1.m0T7wB1pQxE4sKd9VfYz2A"
ACCESS = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIzNWFlOWFkMSJ9.c2lnbmF0dXJl"
REFRESH = "eyJhbGciOiJIUzI1NiJ9.eyJuIjoxfQ.c2lnbmF0dXJl"

LANGUAGE = {
    "languageCode": "es",
    "languageName": "Spanish",
    "flag": "🇪🇸",
    "status": "complete",
    "stage": "complete",
    "progress": 100,
    "message": "Ready",
    "estimatedTimeRemaining": None,
    "fileSize": 1_464_320,
    "downloadUrl": LINK.format(file=42),
    "error": None,
}
COST = {
    "duration": 61.0,
    "rate_per_second": 0.1,
    "multiplier": 1.0,
    "cost": 7,
    "classification": "common",
}
HEARD = {
    "id": "811",
    "start": 1.2,
    "end": 3.4,
    "speaker": 0,
    "text": "Welcome back to the workshop.",
    "max_chars": 121,
    "flags": [],
    "revision": 1,
}

ACCOUNT: Mapping[str, Any] = {
    "Credentials": {"email": EMAIL, "password": PASSWORD},
    "Login": {"email": EMAIL, "password": PASSWORD},
    "TokensAnswer": {
        "access_token": ACCESS,
        "refresh_token": REFRESH,
        "token_type": "bearer",
        "expires_in": 900,
        "user": {"id": USER_ID, "email": EMAIL},
    },
    "Refresh": {"refresh_token": REFRESH},
    "Logout": {"refresh_token": REFRESH},
    "Email": {"email": EMAIL},
    "PasswordUpdate": {"token": "Mzc:1w2x3y:c2lnbmF0dXJl", "new_password": PASSWORD},
    "ProfileChange": {
        "fullName": "Ana Ruiz",
        "avatarUrl": "https://example.com/ana.png",
        "timezone": "Europe/Madrid",
        "languagePreference": "en",
    },
    "DeletionAsked": {"confirmationText": "DELETE MY ACCOUNT", "reason": "no longer needed"},
    "DeletionConfirmed": {"deletionToken": "Mzc:1w2x3y:c2lnbmF0dXJl", "finalConfirmation": True},
}
DUBBING: Mapping[str, Any] = {
    "UploadUrlsForm": {
        "languages": ["es"],
        "voice_track_name": "talk.mp4",
        "content_types": {"voice": "video/mp4"},
        "sizes": {"voice": 18_734_112},
    },
    "UploadUrlsAnswer": {
        "job_id": JOB_ID,
        "upload_urls": {"voice_track": "http://localhost:8000/uploads/17.Zk3vN8rT1cWq5LyHs0pXbg"},
        "voice_track_path": f"uploads/{USER_ID}/4503477e081dee14d129a89c84210c9b/voice.mp4",
    },
    "JobForm": {
        "job_id": JOB_ID,
        "voice_track_uploaded": True,
        "languages": ["es"],
        "source_language": "en",
        "title": "In the workshop",
        "options": {
            "variants": {"es": "es-MX"},
            "tone": "informal",
            "glossary": [{"source": "Dubber", "target": None}],
        },
    },
    "JobAnswer": {"jobId": JOB_ID, "job_id": JOB_ID, "credit_cost": 7},
    "Job": {
        "id": JOB_ID,
        "status": "complete",
        "progress": 100,
        "message": "Done!",
        "languages": [LANGUAGE],
        "totalLanguages": 1,
        "completedLanguages": 1,
        "startedAt": "2026-11-20T09:30:02Z",
        "estimatedCompletion": None,
        "created_at": "2026-11-20T09:30:00Z",
        "updated_at": "2026-11-20T09:32:41Z",
        "title": "In the workshop",
        "voice_track_duration": 61.0,
        "target_languages": ["es"],
        "background_track_uploaded": False,
        "credit_cost": 7,
        "credits_refunded": 0,
        "download_urls": {
            "es": {
                "voice": LINK.format(file=41),
                "full": LINK.format(file=42),
                "captions": LINK.format(file=43),
            }
        },
    },
    "LinkAnswer": {"url": LINK.format(file=42), "expires_at": "2026-12-20T09:32:41Z"},
    "LanguagesForm": {"languages": ["fr", "de"]},
}
EDITING: Mapping[str, Any] = {
    "Transcript": {"lines": [HEARD]},
    "TranscriptForm": {
        "lines": [{"id": "811", "revision": 1, "text": "Welcome back to my workshop."}]
    },
    "Translation": {
        "lines": [
            {
                **HEARD,
                "id": "1204",
                "source": "Welcome back to the workshop.",
                "text": "Bienvenidos de nuevo al taller.",
                "spoken": "Bienvenidos de nuevo al taller.",
                "voice": "aura-2-celeste-es",
                "keep_original": False,
                "mute": False,
                "stale": False,
            }
        ]
    },
    "TranslationForm": {
        "lines": [{"id": "1204", "revision": 1, "text": "Bienvenidos otra vez al taller."}]
    },
    "CaptionsForm": {
        "captions": "1\n00:00:01,200 --> 00:00:03,400\nBienvenidos otra vez al taller.\n"
    },
    "Glossary": {"terms": [{"source": "loudness", "target": "sonoridad", "language": "es"}]},
}
MONEY: Mapping[str, Any] = {
    "JobCostForm": {"languages": ["es", "fr"], "duration": 61.0},
    "CostAnswer": {
        "estimated_cost": 14,
        "languages": ["es", "fr"],
        "duration": 61.0,
        "breakdown": {"es": COST, "fr": COST},
        "bonus": 0,
    },
    "AffordAnswer": {
        "can_afford": False,
        "current_balance": 10,
        "estimated_cost": 14,
        "shortfall": 4,
        "cost_breakdown": {"es": COST, "fr": COST},
    },
    "CreditsAnswer": {"balance": 43, "user_id": USER_ID},
    "EntryAnswer": {
        "id": "306",
        "amount": -7,
        "transaction_type": "job_consumption",
        "description": "Dub: Spanish",
        "created_at": "2026-11-20T09:30:00Z",
        "stripe_payment_intent_id": None,
    },
    "PlanForm": {"plan": "creator"},
    "AmountForm": {"amount": 2900},
    "PaymentIntentAnswer": {
        "client_secret": "pi_3QK2vN_secret_8sT4w",
        "payment_intent_id": "pi_3QK2vN",
        "amount": 2900,
    },
    "ConfirmForm": {"payment_intent_id": "pi_3QK2vN"},
    "ConfirmAnswer": {
        "success": True,
        "credits_added": 50,
        "new_balance": 93,
        "message": "",
    },
}
EXAMPLES: Mapping[str, Any] = {**ACCOUNT, **DUBBING, **EDITING, **MONEY}
