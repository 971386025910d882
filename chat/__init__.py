"""What people read in Slack and other chats, and what they answer there."""
